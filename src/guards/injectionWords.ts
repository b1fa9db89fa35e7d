/**
 * What words of many languages mean for somebody who gives orders to a model. Words are written as people write
 * them; a star at the end stands for any ending. The lists name ideas, not phrases: what
 * counts is which ideas stand near each other.
 */
export type Idea =
  | 'drop'
  | 'prior'
  | 'all'
  | 'orders'
  | 'source'
  | 'fresh'
  | 'role'
  | 'show'
  | 'prompt'
  | 'you'
  | 'only'
  | 'now'
  | 'praise'
  | 'unbound'
  | 'secret'
  | 'model'
  | 'send'
  | 'authority'
  | 'reply'
  | 'make'
  | 'before'
  | 'own'
  | 'not'
  | 'ask'
  | 'mine'
  | 'reader';

export const WORDS: Readonly<Record<Idea, string>> = {
  // To set aside what was said.
  drop: `ignor* disregard* forget forgets forgetting forgotten drop discard abandon dismiss bypass override overrule neglect
    erase unlearn ignorier* vergiss vergesst vergessen missachte* verwirf verwerfen uberspring* olvid* descarta* omite omitir
    oubli* neglige* dimentic* scorda* scordati trascura esquec* desconsider* negeer* vergeet zignoruj* ignoruj* zapomnij* pomin
    zaboravi* zanemari* ignorisi* игнорир* проигнорир* забудь* забыть забудьте отбрось ігнор* забудьте unut* yoksay glom glem
    zapomen* felejt* uita uitati abaikan lupakan ignorera bortse unohda تجاهل انس نسيان भूल bhul bhool`,
  prior: `previous* prior preceding above earlier foregoing former aforementioned vorherig* vorig* vorangehend* vorangegangen*
    bisherig* obig* davor zuvor vorher fruher* anterior* previ* arriba precedent* anterieur* auparavant prima sopra acima
    antes eerdere vorige voorgaande bovenstaande poprzedni* powyzsz* wczesniejsz* prethodn* gornj* предыдущ* прежн* выше
    раньше попередн* onceki yukaridaki tidigare foregaende tidligere forrige predchozi elozo korabbi sebelumnya السابقة
    pahale pehle`,
  all: `all any every everything entire whole anything alle alles allen saemtlich* samtlich* ganz* todo todos toda todas
    tout toute toutes tous tutto tutti tutte tudo wszystk* sve svih svega все всё всех усі всі hepsi tum allt alla alt
    vsechn* mindent osszes toate semua جميع كل sab`,
  orders: `instruct* command commands directive* guideline* rule rules task tasks assignment* constraint*
    programming prompt prompts anweisung* befehl* auftrag* aufgab*
    instruktion* regel regeln vorgab* instruccion* reglas indicacion*
    tareas consigne* ordres regles directives istruzion* ordini regole compiti comand* instrucoes instruc* ordens regras
    tarefas instructies opdracht* bevelen regels polecen* instrukcj* zasad* uputstv* upute instrukcij* naredb* zadat*
    инструкц* указани* команд* правил* задани* приказ* інструкц* вказівк* talimat* komut* kurallar instruktion* regler
    ukoly pokyn* utasitas* instructiuni* instruksi perintah aturan التعليمات الأوامر निर्देश`,
  // What an answer is drawn from; also the orders of a shop's customer, which look like commands.
  source: `order orders orden ordenes ordres ordini ordens context kontext contexto contexte document documents dokument*
    documento* article articles artikel* articulo* conversation discussion training text texts above information angaben
    besproch* gesagt* said told chat history verlauf gesprach*`,
  fresh: `new next different another further neu neue neuen neues nachste weitere andere anderen nuevo nueva nuevas nouvelle
    nouveau nuovo nuova nuove novo nova novas nieuw* nowe nowa nov* нов* yeni nya nye ny`,
  role: `act acting pretend pretends imagine roleplay simulate impersonate behave role character persona play stell stellen
    agier* fungier* spiel* verhalt* tu so actua actuar finge fingir imagina comport* agis agir imagin* fais fingi immagina
    comportati aja finja doe speel* zachowuj udawaj glumi ponasaj budi веди представь притвор* сыграй davran spela agera
    bertindak berperan تصرف تخيل`,
  show: `show reveal* print repeat output display tell say disclose leak dump recite echo expose zeig* gib geben sag sage
    sagen nenn* wiederhol* druck* verrat* ausgeben muestra* di dime decir imprime repite revela* escupe montre* affiche*
    dis repete* revele* mostra* stampa dimmi ripeti rivela* diga repita imprima toon zeg herhaal pokaz* powiedz powtorz
    wypisz reci kazi ispisi pokazi ponovi покаж* выведи скажи повтори раскрой покажи goster soyle yazdir visa vis sig
    tampilkan katakan ulangi اعرض اطبع قل`,
  prompt: `prompt prompts promptt* systemprompt preprompt pretext system systems systemnachricht eingabeaufforderung
    aufforderung initial verbatim wortlaut hidden secret confidential promp* системн* промпт* sistema systeme`,
  you: `you your yours yourself u du dich dir dein deine deinen deiner deinem sie ihnen ihre ihren tu tus te ti usted ustedes
    su sus vous votre vos ton tes toi lei suo voi vostro voce seu seus sua suas je jij jouw uw ty twoj* ciebie ti tvoj* vas
    ты тебя твои твой вы вас ваши ваш sen senin siz dig ditt dine kamu anda أنت aap`,
  only: `just only solely merely simply nothing exclusively nur lediglich ausschliesslich bloss solo solamente unicamente
    unicamente seulement uniquement rien soltanto apenas somente slechts alleen tylko jedynie samo только лише sadece bara
    kun hanya فقط`,
  now: `now then instead henceforth forth moving nun jetzt stattdessen sondern ab ahora adelante lugar maintenant desormais
    plutot ora adesso invece agora nu voortaan teraz odtad sada odsad теперь отныне вместо зараз artik simdi sekarang الآن
    ab`,
  praise: `great excellent fantastic perfect bravo congratulations congrats awesome brilliant outstanding wonderful amazing
    impressive well super toll klasse prima gut ausgezeichnet* fantastisch grossartig perfekt gluckwunsch hervorragend genial
    wunderbar excelente perfecto genial felicidades parfait felicitations ottimo perfetto bravissimo otimo uitstekend
    swietnie doskonale odlicno отлично молодец прекрасно harika`,
  unbound: `unrestricted unfiltered uncensored jailbreak* jailbroken dan restrictions limitations filters filter censorship
    censored immoral amoral unethical ethics ethical morals illegal swear* curse* swearwords offensive hateful hate insult*
    evil boshaft bose boses einschrankung* ungefiltert zensur unmoralisch illegal beleidig* hasse hass restricciones
    limites censura odio odias insulta sans sin senza without ohne bez без ограничен* sinirsiz`,
  secret: `password passwords passwort passworter credential* token tokens key keys secret secrets apikey contrasena* clave
    parola senha wachtwoord haslo lozinka пароль пароли ключ sifre cookie cookies session ssn iban pin cvv`,
  model: `ai gpt chatgpt assistant chatbot bot llm claude gemini model models ki sprachmodell assistent assistenten
    asistente ia modele modelo assistente modello ассистент бот нейросеть`,
  send: `send sends forward transfer wire upload submit post email mail invite share publish exfiltrate schick* sende senden
    uberweis* weiterleit* envia* enviar reenvia* transfiere envoie* envoyer transfere* invia inviare stuur wyslij przelej
    posalji отправь перешли переведи gonder skicka`,
  authority: `important urgent urgently immediately emergency must mandatory obey comply demand authorized authorised
    administrator admin developer owner supervisor wichtig dringend sofort achtung musst mussen befehle gehorche urgente
    inmediatamente obedece importante urgent obeir obbedisci debe dringend pilne natychmiast hitno срочно немедленно важно
    acil stop stopp halt`,
  reply: `reply replies response responses answer answers output outputs respond answering antwort antworte antworten
    respuesta respuestas responde contesta reponse repondre reponds risposta rispondi resposta responda antwoord
    odpowiedz odpowiadaj odgovor odgovori ответ отвечай ответь cevap svara svar solution implementation codebase`,
  make: `write compose create generate draft produce translate summarize summarise explain describe provide list give
    develop design build make construct outline rewrite convert calculate solve compute formulate invent recommend suggest
    schreib* verfass* erstell* generier* ubersetz* formulier* erklar* beschreib* escribe* crea redacta traduce explica ecris
    ecrire redige cree traduis explique scrivi crea traduci spiega escreva crie traduza explique schrijf vertaal maak napisz
    stworz przetlumacz napisi napravi prevedi напиши создай переведи объясни yaz skriv tulis buat اكتب`,
  before: `told said given provided received discussed begun beginning start begin mentioned learned learnt know knew gesagt
    gegeben erhalten besprochen anfang gelernt digo dicho dije dado dit donne detto dato disse dito gezegd powiedzial*
    rekao rekla сказал* говорил*`,
  own: `i we they people he she who ich wir man er yo nosotros nous on io noi eu nos ik ja oni я мы они`,
  not: `not never don do't doesn didn cannot can't won't nicht nie niemals kein keine nunca jamas ne pas jamais non mai
    nao niet nooit nie nigdy ne nikad не никогда`,
  ask: `what what's whats who who's when where why how which whose was wer wann wo warum wieso wie welche welcher welches que quien
    cuando donde como cual cuales quoi qui quand ou pourquoi comment quel quelle che chi quando dove perche come quale wat
    wie wanneer waar waarom hoe co kto kiedy gdzie dlaczego jak sto tko kada gdje zasto kako что кто когда где почему как
    какой какая ne kim nerede neden nasil`,
  mine: `my mine our ours me us i'm i've i'll we're mein meine meinen meiner meinem mir mich unser unsere uns mi mis me nos
    nuestra nuestro mon ma mes notre nos mio mia miei nostro meu minha mijn onze moj moja мой моя наш наша benim`,
  reader: `user users customer readers visitor nutzer benutzer usuario usuarios utilisateur lecteurs utente usuario gebruiker
    uzytkownik korisnik пользовател* kullanici code snippet excerpt block section codeblock sentence phrase link`,
};

/** Languages without spaces between words, and what carries these ideas there. */
export const UNSPACED: Readonly<Partial<Record<Idea, RegExp>>> = {
  drop: /忽略|忽视|无视|無視|忘记|忘掉|忘了|忘れ|不要理会|抛开|拋開|무시|잊어|잊으/u,
  prior: /之前|以前|上面|以上|先前|前面|上述|これまで|以前|上記|이전|위의|앞의|지금까지/u,
  all: /所有|全部|一切|すべて|全て|모든|모두/u,
  orders: /指令|指示|命令|提示词|지시|명령/u,
  role: /扮演|假装|假裝|假设你|你现在是|你現在是|想象你|ふりをし|演じ|あなたは今|역할|행동해|당신은 이제/u,
  show: /显示|顯示|告诉我|輸出|输出|打印|透露|泄露|表示し|教えて|出力|보여|출력|알려/u,
  prompt:
    /系统提示|系統提示|提示词|系统消息|初始指令|システムプロンプト|プロンプト|시스템 프롬프트|프롬프트/u,
  you: /你|您|あなた|당신|너는/u,
  only: /只需|只要|仅仅|只能|だけ|のみ|오직|만 /u,
  now: /现在|現在|从现在|今から|代わりに|이제|대신/u,
};
