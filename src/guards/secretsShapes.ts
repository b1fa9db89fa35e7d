import { LIMITS } from '../core/limits.ts';

/**
 * Shapes of keys and tokens that their issuers made recognisable. Every repetition is bounded, and none can be split in
 * two ways, so that a hostile text costs no more than its length. Where there is a group, it alone is the secret.
 */
export const SHAPES: readonly RegExp[] = [
  // Model providers
  /sk-(?:ant-|proj-|svcacct-|admin-|or-v1-)[A-Za-z0-9_-]{20,300}/g,
  // Not the end of `task-…` or `desk-…`.
  /(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,300}/g,
  /(?<![A-Za-z0-9])(?:(?:hf|r8|gsk|fw|tgp_v1|dop_v1|doo_v1)_|(?:xai|pplx|nvapi)-)[A-Za-z0-9_]{20,200}/g,
  /AIza[A-Za-z0-9_-]{35}/g,
  // Clouds
  /(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|ANPA|ANVA)[A-Z0-9]{16}(?![A-Za-z0-9])/g,
  /ya29\.[A-Za-z0-9_-]{20,500}/g,
  /GOCSPX-[A-Za-z0-9_-]{20,60}/g,
  /1\/\/0[A-Za-z0-9_-]{30,300}/g,
  /(?:AccountKey|SharedAccessKey|SharedSecretValue)=([A-Za-z0-9+/%]{30,200}={0,2})/g,
  /[?&](?:sig|X-Amz-Signature|X-Goog-Signature|Signature)=([A-Za-z0-9%+/_-]{16,600})/g,
  /[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.-]{31,34}/g,
  // Code, packages and deployment
  /gh[pousr]_[A-Za-z0-9]{20,255}/g,
  /github_pat_[A-Za-z0-9_]{20,255}/g,
  /gl(?:pat|ptt|dt|rt|cbt|soat|oas|imt|agent|ffct|ft)-[A-Za-z0-9_-]{20,255}/g,
  /npm_[A-Za-z0-9]{30,80}/g,
  /pypi-[A-Za-z0-9_-]{50,500}/g,
  /(?:dckr_[po]at_|hv[sbr]\.)[A-Za-z0-9_-]{20,500}/g,
  /(?<![A-Za-z0-9])(?:sntry[su]|pul|rubygems|lin_api|figd|ntn|glsa|dapi|pscale_(?:tkn|pw)|ph[cx]|vc[pikr])_?[A-Za-z0-9_]{24,500}/g,
  /(?<![A-Za-z0-9])secret_[A-Za-z0-9]{43}(?![A-Za-z0-9])/g,
  /NRAK-[A-Z0-9]{27}/g,
  /AT[AC]TT3x[A-Za-z0-9_=-]{30,500}/g,
  /age-secret-key-1[a-z0-9]{50,70}/gi,
  // Messages and mail
  /xox[abeoprs]-[A-Za-z0-9-]{10,255}/g,
  /xapp-[A-Za-z0-9-]{20,255}/g,
  /hooks\.slack\.com\/(?:services|workflows|triggers)\/([A-Za-z0-9/_-]{20,100})/g,
  /discord(?:app)?\.com\/api\/webhooks\/\d{5,25}\/([A-Za-z0-9_-]{30,100})/g,
  /SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,60}/g,
  /key-[0-9a-f]{32}(?![0-9a-f])/g,
  /[0-9a-f]{32}-us\d{1,2}(?!\d)/g,
  /(?<![A-Za-z0-9])(?:SK|AC)[0-9a-f]{32}(?![0-9a-f])/g,
  /(?<![\d])\d{8,10}:AA[A-Za-z0-9_-]{32,34}(?![A-Za-z0-9_-])/g,
  // Money
  /(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,255}/g,
  /whsec_[A-Za-z0-9+/=]{20,200}/g,
  /(?:sq0atp|sq0csp)-[A-Za-z0-9_-]{20,60}/g,
  /shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}/g,
  /access_token\$(?:production|sandbox)\$[a-z0-9]{8,32}\$[a-f0-9]{32}/g,
];

/** Three parts in base64, the first of which begins as `{"` does. */
export const JSON_WEB_TOKEN =
  /(?:(?<![A-Za-z0-9_-])|(?<=%[0-9A-Fa-f]{2})|(?<=u00[0-9a-f]{2}))eyJ[A-Za-z0-9_-]{6,4096}\.[A-Za-z0-9_-]{6,8192}\.[A-Za-z0-9_-]{0,2048}(?:\.[A-Za-z0-9_-]{0,2048}){0,2}/g;

/** A private key in text form, cut off or not; its breaks may be escaped. */
export const PRIVATE_KEY = new RegExp(
  `-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----)){0,${LIMITS.secretBlockChars}}(?:-----END [A-Z0-9 ]{0,60}-----)?`,
  'g',
);

/** The password in an address: what stands between the name and the last @ before the path. */
export const URL_PASSWORD = /:\/\/[^\s/:@"'<>]{0,128}:([^\s/"'<>]{1,256})@/g;

/** What follows the word in a header. */
export const HEADER =
  /\b(?:bearer|basic|digest|negotiate|apikey|token)[ \t]{1,4}([A-Za-z0-9._~+/-]{16,4096}={0,2})/gi;

/** A name that says that its value is secret, a sign of assignment, and the value, with or without quotation marks. */
export const ASSIGNMENT = new RegExp(
  '(?<key>pass(?:word|wd|phrase|code)|passwort|pwd|contrase[ñn]a|mot de passe|senha|secret|token|api[_ -]?key|apikey|access[_ -]?key|' +
    'private[_ -]?key|account[_ -]?key|signing[_ -]?key|encryption[_ -]?key|master[_ -]?key|client[_ -]?secret|credentials?|authorization|(?:set-)?cookie|session[_-]?id)' +
    '(?<more>[a-z0-9_-]{0,24})' +
    '(?:(?<closed>\\\\{0,7}["\'`])|\\*\\*)?[ \\t]{0,4}(?<sign>:=|=>|[:=]|\\bis\\b[ \\t]?:?|\\bist\\b)[ \\t]{0,4}(?:\\*\\*)?[ \\t]{0,2}' +
    '(?:(?<slashes>\\\\{0,7})(?<quote>["\'`]))?(?<value>[^\\s"\'`<>]{1,512})',
  'gi',
);
