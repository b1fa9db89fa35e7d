/**
 * Every limit of Holdfast, in one place. A wait, queue, string, loop or retry that is not bounded here is a bug.
 * Units are in the names. What an agent may set for itself is `RunLimits`; the rest is fixed.
 */

/** What a run may use. A start may tighten these, never loosen them. */
export interface RunLimits {
  /** Model calls in one turn. */
  readonly iterationsPerTurn: number;
  readonly toolCallsPerTurn: number;
  /** Activity time of one turn, without backoff and without waiting for people or the store. */
  readonly activeMsPerTurn: number;
  /** Prompt (cache reads included) and output tokens of the whole run. */
  readonly tokensPerRun: number;
  readonly costMicroUsdPerRun: number;
  /** Of one model call. */
  readonly maxOutputTokens: number;
  /** An idle run with nothing open ends as completed after this. */
  readonly idleMs: number;
  /** How long an approval, a reconcile request or a landing waits for a person, unless a rule says otherwise. */
  readonly approvalMs: number;
}

export const DEFAULT_RUN_LIMITS: RunLimits = {
  iterationsPerTurn: 12,
  toolCallsPerTurn: 15,
  activeMsPerTurn: 60_000,
  tokensPerRun: 50_000,
  costMicroUsdPerRun: 500_000,
  maxOutputTokens: 4_096,
  idleMs: 24 * 3_600_000,
  approvalMs: 24 * 3_600_000,
};

/** The most that an agent may ask for, so that a slip of the pen is an error and not a bill. */
export const MAX_RUN_LIMITS: RunLimits = {
  iterationsPerTurn: 1_000,
  toolCallsPerTurn: 2_000,
  activeMsPerTurn: 24 * 3_600_000,
  tokensPerRun: 100_000_000,
  costMicroUsdPerRun: 1_000_000_000,
  maxOutputTokens: 128_000,
  idleMs: 90 * 86_400_000,
  approvalMs: 90 * 86_400_000,
};

export const LIMITS = {
  // Text and payloads
  messageBytes: 100 * 1024,
  /** A message above this travels as a reference into the blob store. */
  inlineMessageBytes: 4 * 1024,
  /** What one activity is given to put there: far below what the engine lets through. */
  keptPortionBytes: 512 * 1024,
  previewBytes: 4 * 1024,
  summaryChars: 200,
  /** Of what the model said when it made a call, shown to approvers as a quotation. */
  quoteChars: 300,
  reasonChars: 2_000,
  /** Of a person's reason, where the model is told of it. */
  toldReasonChars: 500,
  idChars: 64,
  personChars: 200,
  payloadSoftBytes: 64 * 1024,
  payloadHardBytes: 256 * 1024,
  contextBytes: 8 * 1024,
  /** Of one text of others on the card. */
  cardTextChars: 300,
  /** Requests beyond this are counted. The Temporal UI carries the whole card in the address of a frame. */
  cardChars: 24_000,
  /** A tool result above this goes to the blob store and the model gets an excerpt. */
  inlineResultBytes: 8 * 1024,
  resultExcerptBytes: 2 * 1024,
  /** A tool result above this is refused: the tool should have paged. */
  resultBytes: 8 * 1024 * 1024,
  argumentsBytes: 64 * 1024,
  /** Deeper values would exhaust the stack before they are understood. */
  jsonDepth: 200,
  /** Deeper arguments of a tool call are refused rather than walked by recursion later on. */
  argumentDepth: 64,
  /** A page is at most 8 KB of JSON even when every character takes three bytes. */
  readResultPageChars: 2_500,
  callsPerStep: 32,
  requestsPerCall: 5,
  /** Claims of one call that meet changed terms before it is given up: what changes all the time would go round for ever. */
  staleClaims: 5,
  /** Most people that one decision may need. */
  quorumMax: 20,
  /** Where a rule names no reminders, people are reminded after this share of the time, if that is long enough. */
  reminderShare: 0.5,
  reminderFromMs: 3_600_000,
  /** Reminders and escalation steps of one request. */
  remindersMax: 10,
  escalationStepsMax: 5,
  // Rules of a policy. They travel in the run's state: those of the release, and those of the run itself.
  policyRules: 200,
  policyBytes: 32 * 1024,
  ownRules: 20,
  ownRulesBytes: 16 * 1024,
  ruleNameChars: 64,
  /** Entries of one list in a rule. */
  ruleListItems: 100,
  /** The zones of the world lie within this. */
  offsetMinutesMax: 14 * 60,
  /** Longest life of a rule that an approver taught, and its usual one. */
  learnedRuleDaysMax: 90,
  learnedRuleDays: 30,
  /** First-time classes that a tool names for one call, and how long each may be; how long a payee may be. */
  classesPerCall: 5,
  classChars: 120,
  payeeChars: 200,
  currencyChars: 12,

  // What people say to a run
  /** Control messages that wait for their verification: per approval, and bytes in all. */
  waitingControls: 50,
  waitingControlBytes: 48 * 1024,
  /** How long after a deadline the verification of what came before it is waited for. */
  verifyGraceMs: 30_000,
  /** What could not be verified for an error of ours is tried again after this. */
  verifyAgainMs: 60_000,
  /** How long the sender of a decision by update waits while it is verified. */
  decideNowMs: 60_000,
  /** So many times that is waited for at the end of a run: the first time may pass with no worker up. */
  endVerifyGraces: 2,
  /** How often the end is told again for what people decide while it is put on record. */
  endTellings: 5,
  /** A signed message lives this long at most; how far clocks may differ. */
  envelopeLifeMs: 7 * 86_400_000,
  envelopeLifeDefaultMs: 10 * 60_000,
  clockSkewMs: 60_000,
  /** A decision key has at least this many characters, and this many keys may be valid at a time. */
  decisionKeyChars: 32,
  decisionKeys: 4,
  /** Signed steering that was used is remembered this long after its expiry, and forgotten this many at a time. */
  usedEnvelopeMs: 30 * 86_400_000,
  usedEnvelopesSwept: 100,
  /** People of one import, roles of one person, and bytes of the file. */
  importedPeople: 10_000,
  rolesPerPerson: 50,
  peopleFileBytes: 8 * 1024 * 1024,
  /** A pause becomes a question after this. */
  pauseMs: 7 * 86_400_000,
  /** A call that meets a kill switch looks again after this, and gives up after that. */
  heldRetryMs: 3_600_000,
  heldMs: 7 * 86_400_000,
  /** How long a kill switch waits for the claims that are being made. */
  gateWaitMs: 10_000,
  /** Held runs that are woken in a second when a switch is lifted, and read in one page. */
  wakesPerSecond: 20,
  wakePageRows: 1_000,

  // Notices and hand-overs
  /** Deliveries of one notifier that a worker has under way at once. */
  noticeBatch: 10,
  noticePollMs: 1_000,
  noticePollMaxMs: 30_000,
  /** Of one attempt; a taken delivery is free again after the lease, which is longer. */
  noticeTimeoutMs: 15_000,
  noticeLeaseMs: 60_000,
  /** What deliveries under way are given when a worker stops. */
  noticeDrainMs: 5_000,
  noticeBackoffFirstMs: 5_000,
  noticeBackoffMinMs: 1_000,
  noticeBackoffMaxMs: 3_600_000,
  noticeRetryAfterMaxMs: 6 * 3_600_000,
  /** From the first attempt on; then it is given up. */
  noticeTriedMs: 3 * 86_400_000,
  noticeKeptMs: 30 * 86_400_000,
  /** A notifier that no worker has had for this long is gone. */
  notifierGoneMs: 3 * 86_400_000,
  /** How often hand-overs are reminded of and old notices swept. */
  noticeTendMs: 60_000,
  noticeSweepRows: 500,
  noticeWhyChars: 200,
  /** What is read of an answer to a webhook before the connection is cut. */
  webhookAnswerBytes: 16 * 1024,
  /** More than two are of use only while two rotations overlap. */
  webhookSecrets: 4,
  webhookAllowed: 50,
  handOversPerPass: 100,
  /** Nobody has accepted: reminders, then one further queue, then more reminders. */
  handOverReminderMs: 30 * 60_000,
  handOverReminders: 4,
  handOverLaterReminderMs: 86_400_000,
  handOverLaterReminders: 7,

  // Run state
  runStateBytes: 128 * 1024,
  openApprovals: 20,
  rememberedIds: 1_000,
  inboxMessages: 50,
  /** What customers write that one turn takes in, and bytes of what one model call adds of it; the rest waits in the inbox. */
  turnMessages: 50,
  turnTextBytes: 32 * 1024,
  openSends: 8,
  /** Decisions and steering that the store has not been told of yet. */
  unrecordedDecisions: 50,
  raiseMax: 1_000_000_000,
  /** Turns whose reply is remembered, for senders who ask again. */
  rememberedReplies: 8,
  eventsBeforeContinueAsNew: 2_000,
  updatesBeforeContinueAsNew: 1_500,

  // Loop
  /** The same call this often in a turn, without an effect in between, is refused… */
  repeatsRefused: 3,
  /** …and this often lands the turn. */
  repeatsLanding: 4,
  /** Failures count towards escalation after this iteration. */
  failuresCountAfterIteration: 3,
  failuresOfAKind: 3,
  /** The model is told when less than this share of a limit is left. */
  noticeShare: 0.2,
  reminderEveryUserMessages: 8,
  truncatedAnswers: 2,
  emptyAnswers: 2,
  landingsPerTurn: 3,

  // Agents and tools
  phases: 10,
  promptTokens: 600,
  ownToolsWarning: 10,
  ownToolsError: 15,
  toolTimeoutMs: 10_000,
  /** Time-out of a tool that is declared quick: it holds a workflow task, which the server gives 10 s. */
  quickReadMs: 1_000,
  /** Our time around it, and all of it together with the wait for a slot. */
  quickReadOverheadMs: 1_000,
  quickReadScheduleToCloseMs: 3_000,
  /** The same for one look at who says so. */
  quickVerifyMs: 2_000,
  /**
   * From the task that asks the model to the one that has its answer, or from the one that parks to the one that has
   * what a person says, when nothing else happens (workflows/quick.ts).
   */
  undisturbedEvents: 7,
  toolTimeoutMaxMs: 600_000,
  /** Of one fact that an agent's own function tells: an amount, a payee, terms, the requester's record. Late is not known. */
  declaredFactMs: 2_000,
  toolRetries: 2,
  toolRetriesMax: 10,
  toolBackoffMaxMs: 8_000,
  toolBackoffFirstMs: 500,
  /** What an aborted effect is given to end by itself, so that its word still counts. */
  toolAbortGraceMs: 250,
  /** Longest delay a failed attempt may ask for: the longest lease. */
  toolRetryDelayMaxMs: 620_000,

  // Budgets and rates
  /** Soonest look at a window that should have turned: the database's clock may be behind. */
  budgetRetryMs: 1_000,
  /** Runs that wait for the same window come back within this time after it. */
  budgetSpreadMs: 30_000,
  rateMax: 1_000_000_000,
  // The sweeper: rows of one pass; when a run counts as untouched, and how soon it is looked at again.
  /** Passes of the sweeper in one look of the governor; what is left then is for the next. */
  sweepPasses: 5,
  sweepRows: 200,
  sweepRuns: 50,
  sweepUntouchedMs: 10 * 60_000,
  /** Windows that nobody counts in any more are kept this long for people to read. */
  windowsKeptDays: 40,

  // Guards
  /**
   * Of one guard; and the longest that one may ask for. Results have less: all their guards together get what the attempt
   * has left but for `settleRoomMs`, and a text that was not judged by then is withheld.
   */
  guardTimeoutMs: 2_000,
  guardTimeoutMaxMs: 20_000,
  guardWhyChars: 300,
  /** Texts whose reading a guard remembers, and how long each may be. */
  guardMemoTexts: 500,
  guardMemoChars: 32 * 1024,
  /** Of an error with its stack in a log. */
  errorChars: 4_000,
  guardsPerStage: 20,
  /** Questions to the small model around one model call, and the words of its answer. */
  guardQuestions: 8,
  guardOutputTokens: 16,
  /** Of one answer to a customer, unless the agent says otherwise. */
  answerChars: 4_000,
  /** Of what a guard tells the model to mend, or the customer instead of an answer. */
  guardInstructionChars: 1_000,
  /** How often an answer goes back to the model before it is kept back for good. */
  repairsPerTurn: 2,

  // Provenance and fences
  /** Sensitive arguments that a tool may declare, and how long the path to one may be. */
  sensitiveFields: 8,
  sensitiveFieldChars: 80,
  /** Values of one call that are traced; further ones, and longer ones, count as unknown. */
  tracedValues: 64,
  tracedValueChars: 2_000,
  /** Of a conversation, the newest first; what is not looked at vouches for nothing. */
  tracedChars: 1_000_000,
  /** Times one value is looked at in one text where what stands around it does not fit. */
  tracedHits: 1_000,
  /** Foldings of one text that are remembered while it is folded, and how long each may be. */
  foldedRuns: 2_000,
  foldedRunChars: 20,

  // Model routing
  /** Models of one tier, in order of preference. */
  modelsPerTier: 5,
  /** Failed tries of one step at one model before it is the next one's turn. */
  triesPerModel: 2,
  /** Tokens that the same text may have more of in the next model's eyes. */
  otherTokenizerFactor: 1.5,
  /** How long a call waits inside its attempt for a model that is about to be free, and how often it looks. */
  routeWaitMs: 8_000,
  routePollMs: 500,
  /** A breaker is looked at again after this. */
  breakerLookMs: 60_000,

  // The circuit of a model
  circuitFailuresInARow: 3,
  circuitWindowMs: 30_000,
  /** The share of failures counts from this many calls within the window. */
  circuitWindowCalls: 10,
  circuitWindowCallsMax: 1_000,
  circuitFailureShare: 0.5,
  /** Doubled by each opening in a row, up to the most. A time that the model API names itself may be longer. */
  circuitOpenFirstMs: 5_000,
  circuitOpenMaxMs: 60_000,
  /** A probe that has said nothing for this long no longer keeps the next one waiting. */
  circuitProbeMs: 20_000,
  /** Where this many calls may run at once the circuit is closed; a worker has no more. */
  circuitRampCalls: 100,
  /** Times are stretched by up to this share, and by so much more, so that workers do not come back in one moment. */
  circuitSpread: 0.25,
  circuitSpreadMs: 500,

  // Activities
  activityOverheadMs: 5_000,
  leaseMarginMs: 5_000,
  /** Kept at the end of an attempt to put on record what was done: a lost settle is an effect that nobody knows of. */
  settleRoomMs: 1_500,
  /** Kept at the end of an attempt that waits for the store, to say that the store is silent. */
  answerRoomMs: 500,
  effectAttempts: 20,
  effectScheduleToCloseMs: 30 * 60_000,
  /** Tries to find a worker that has the pinned release; the wait between them is a minute at most. */
  releaseAttempts: 12,
  releaseRetryMs: 50_000,
  modelCallMs: 10 * 60_000,
  modelStallMs: 120_000,
  modelHeartbeatMs: 30_000,
  /** How often a model call says that it lives, and how late a cancel reaches it that no notification brought. */
  modelBeatMs: 10_000,
  modelAttempts: 6,
  modelBackoffFirstMs: 1_000,
  modelScheduleToCloseMs: 20 * 60_000,
  /** The longest wait that an upstream may ask of us. */
  retryAfterMaxMs: 600_000,
  /** Bytes of one answer's stream. 128,000 output tokens are a few megabytes of events. */
  modelStreamBytes: 64 * 1024 * 1024,
  /** After the last event of an answer the end of its body is waited for, so that the connection can be used again. */
  modelDrainMs: 500,
  /** Causes of an upstream's error are followed this far and no further. */
  errorCauses: 5,
  storeActivityMs: 30_000,
  storeBackoffFirstMs: 500,
  storeBackoffMaxMs: 60_000,
  /** Tries of what is only shown. */
  shownAttempts: 2,
  /** Attempts of one call that may be lost with their workers: what ends every worker that takes it must not go round. */
  lostAttempts: 3,
  /** Model calls in a row, each with all its attempts, whose last attempt was lost with its worker. */
  lostRounds: 2,
  outageRetryMs: 60_000,
  outageMs: 86_400_000,
  bugMs: 86_400_000,
  /** What is under way when a run parks as a bug may come to its end for so long before the run moves on. */
  bugSettlesMs: 60_000,
  /** An event loop that has not turned for this long has lost every heartbeat: its process is ended. */
  loopStuckMs: 30_000,
  loopBeatMs: 1_000,
  /** A workflow task that its worker has not taken by then goes to any worker: so long a dead one holds up its runs. */
  stickyWaitMs: 5_000,
  workerDrainMs: 60_000,
  /** Of the hash that names the workflow code of a worker. */
  buildIdHexDigits: 12,
  workerActivities: 100,
  arrivalPages: 20,
  arrivalPageEvents: 200,

  /** How long a run that was started without a message waits for its first. */
  idleBeforeFirstMs: 24 * 3_600_000,
  /** A timer is set anew after this, so that no wait is without a bound. */
  longestWaitMs: 90 * 86_400_000,

  // Wiring
  storeConnections: 20,
  cachedReleases: 200,
  /** What a worker remembers of texts and conversations it has just written, in bytes of memory. */
  recentTextBytes: 32 * 1024 * 1024,
  recentChainBytes: 96 * 1024 * 1024,
  /** How long a statement waits for a connection: for a free one, or for a new one. */
  connectMs: 10_000,
  /** Connections of a pool that nobody has needed for this long are ended. */
  storeIdleMs: 60_000,
  /** What is under way when a pool is ended has this long to come to its end. */
  storeEndMs: 5_000,
  /**
   * A transaction that says nothing for this long is ended by the database: its worker is frozen or cut off, and holds
   * locks. Less than `storeActivityMs`, so that whoever waits for them still gets them.
   */
  idleInTransactionMs: 15_000,
  /**
   * A connection of a worker to the store that says nothing for this long is dropped. More than any activity may take
   * (`governorMs`), so nothing that is still at work is lost.
   */
  storeSilentMs: 60_000,
  /** Before the connection that listens is opened anew, doubled by each refusal, and the most it grows to. */
  reconnectFirstMs: 400,
  reconnectMaxMs: 5_000,
  listRows: 100,

  // The client
  /** How long a sender waits for an answer, and how long everything else waits for the server and its workers. */
  clientSendMs: 600_000,
  clientCallMs: 10_000,
  /** How often a message or a decision is sent again when its run moves on underneath. */
  clientTries: 10,
  /** A run that moves on has answered what was on its way and begun anew after a few of these. */
  clientMovingMs: 20,

  // Command line
  /** The longest chat; who sits there longer comes back. */
  chatMs: 24 * 3_600_000,
  /** How often a chat looks whether a parked run has moved, and the most that grows to. */
  chatPollMs: 250,
  chatPollMaxMs: 4_000,
  /** A parked run is asked itself after this, moved or not; each time adds to its history. */
  chatAskAgainMs: 60_000,
  /** How often an operator's word on a breaker is judged anew, because somebody else has changed it meanwhile. */
  breakerTries: 5,
  /** How often in a row a chat tries a server that is away or busy. */
  chatTries: 5,
  /** Of one check of `doctor`; they run side by side. */
  doctorCheckMs: 5_000,
  /** Of its connection to Temporal: less, so that it fails by itself and in words. */
  doctorConnectMs: 4_000,
  /** How far back `doctor` looks for messages that were refused for their signature. */
  doctorRecentMs: 24 * 3_600_000,
  /** A worker polls at least once a minute; one that has not for this long is gone. */
  workerSilentMs: 90_000,
  /** Sessions of the store that do nothing in an open transaction for this long hold locks for no reason. */
  idleTransactionMs: 60_000,
  /** More than this share of the connections in use is pointed out. */
  connectionsShare: 0.8,

  // Replay of open runs before a deploy
  /** Runs that one check fetches and replays, the newest first: usually, and at most. */
  upgradeRuns: 200,
  upgradeRunsMax: 5_000,

  // Audit
  /** At most one anchor a period, and one for each that was not quiet. */
  anchorEveryMs: 60_000,
  /** Chains that one anchor speaks of; a full anchor is followed by another at once. */
  anchorHeads: 20_000,
  /** Rows that no anchor has seen for this long are pointed out. */
  unanchoredMs: 5 * 60_000,
  /** Rows held at a time while the whole audit is read. */
  auditBatchRows: 2_000,
  /** Broken chains that are named; the others are counted. */
  auditFaults: 20,
  auditVerifyMs: 6 * 3_600_000,
  /** Requests that the figures about approvals are drawn from, the newest first. */
  statisticsApprovals: 200_000,
  statisticsDaysMax: 365,
  statisticsDays: 30,
  /** Nobody reads a request and thinks about it in less than this. */
  hastyMs: 3_000,
  /** What is said about a tool or a person needs this many decisions to rest on. */
  findingDecisions: 20,
  findingApprovalShare: 0.95,
  findingHastyShare: 0.5,

  // Guards: texts from outside
  /**
   * More control or invisible characters than this are judged by their share of the text: what may be control
   * characters, and what may draw nothing.
   */
  strayCharacters: 20,
  controlShare: 0.05,
  invisibleShare: 0.3,
  /** The same sign, or the same short sequence, this often in a row is no message. */
  repeatedSigns: 2_000,
  /** Shortest text whose repetition is judged, and the share of different parts that it must have. */
  repetitionChars: 8_192,
  repetitionShare: 0.02,
  /** Decoded readings of one text, segments tried for each encoding, and characters of a reading. */
  decodedForms: 8,
  decodedSegments: 16,
  decodedChars: 4_096,
  /** Words of one window that is judged as a whole, and words whose meaning is kept at hand. */
  windowWords: 64,
  knownWords: 8_192,
  /** Examples and intents of a router, and how much of an example or a request it reads. */
  routerExamples: 50_000,
  routerIntents: 1_000,
  routerChars: 2_000,
  /** Weights of one router, four bytes each. */
  routerWeights: 2 ** 24,
  // Personal data and secrets in texts
  /** Of a mail address: what stands before the sign and after it. */
  mailLocalChars: 64,
  mailDomainChars: 253,
  /** How far before a number a word is looked for that says what it is. */
  cueChars: 64,
  /** Words and marks that one address may have on either side of what gave it away. */
  addressTokens: 48,
  /** Entries of one list of the requester's record, and characters of one entry; what is beyond is not looked for. */
  knownEntries: 100,
  knownEntryChars: 300,
  /** A known word must have this many letters to be found by itself. */
  knownWordChars: 3,
  /** A shorter value would be found everywhere. */
  secretMinChars: 8,
  secretMaxChars: 4_096,
  /** Of one private key in text form. */
  secretBlockChars: 16 * 1024,
  exactSecrets: 200,
  // What a final answer may state: known amounts that a derived amount may come from
  /** Distinct seen amounts, lists of them, amounts of one list, percentages: the latest. */
  groundingAmounts: 200,
  groundingLists: 40,
  groundingListAmounts: 100,
  groundingPercents: 10,
  /** Amounts of the answer, and seen ones that were spoken of. */
  groundingAnswerAmounts: 24,
  groundingSpokenAmounts: 24,
  /** A sum has this many summands at most; any may be chosen from lists up to this length. */
  groundingSummands: 6,
  groundingListItems: 8,
  /** Up to every fourth amount in a row is added up, as columns of a table; how many of a thing are counted. */
  groundingStrides: 4,
  groundingCount: 1_000,
  /** Amounts of one answer that are worked out, and how often those that were found may help to find others. */
  groundingDerivations: 60,
  groundingPasses: 3,
  /** Values that the model is told about, and how long each may be. */
  groundingNamed: 10,
  groundingNamedChars: 80,
  // The judge of tone and policy, and words of the system prompt in an answer
  rubricCriteria: 20,
  rubricCriterionChars: 400,
  rubricAnswerChars: 100_000,
  /** As many words in a row, of at least so many characters, are a leak; how much of each text is compared. */
  leakWords: 16,
  leakChars: 80,
  leakTextChars: 1_000_000,
  // Breakers
  /** How often the governor looks, and what one look may take. */
  governorEveryMs: 60_000,
  governorMs: 50_000,
  governorAttempts: 3,
  /** A schedule that was away for longer does not make up for what it missed. */
  governorCatchUpMs: 60_000,
  /** A governor that has not run for this long is pointed out. */
  governorSilentMs: 5 * 60_000,
  /** How long a breaker is open for the first time; doubled each time it opens again, up to the most. */
  breakerOpenMs: 5 * 60_000,
  breakerOpenMaxMs: 3_600_000,
  /** A breaker that stayed closed for this long begins with the first open time again. */
  breakerCalmMs: 6 * 3_600_000,
  /** Openings in a row that are still counted. */
  breakerOpens: 1_000,
  /** How long probes have to prove something before others are let through, and how many there are. */
  breakerHalfOpenMs: 10 * 60_000,
  breakerProbes: 5,
  /** So many outcomes close a half-open breaker, and so many bad ones open it again. */
  breakerProvenBy: 3,
  breakerReopenedBy: 2,
  /** Names and measures that one look of the governor judges, the worst first. */
  breakerReadings: 5_000,
  breakersListed: 1_000,
  breakerNameChars: 210,
  breakerOverrideMs: 30 * 86_400_000,
  /** What workers believe about open breakers is at most this old. */
  openBreakersMs: 5_000,
  /** How long a worker may go on with what it knows of the rates that operators set for reads. */
  toolRatesMs: 2_000,
  /** A baseline of the same hour needs this many days, one of the hours before it this many hours. */
  baselineDays: 3,
  baselineDaysMax: 7,
  baselineHours: 3,
  baselineHoursMax: 24,
  /** What was left unspent may be spent later, for so many hours of the clock, this one included. */
  unspentHours: 5,
  /** Outcomes of calls are kept for the readings only, hours of cost for the baselines; so many are swept at a time. */
  callOutcomesMs: 2 * 3_600_000,
  costHoursMs: 8 * 86_400_000,
  closedBreakersMs: 30 * 86_400_000,
  governorSweepRows: 5_000,
  /** Held runs that one look of the governor wakes, at `wakesPerSecond`; the next one goes on. */
  wakesPerLook: 600,
  /** A held run that is told to look again does so at most this often. */
  lookAgainMs: 5_000,
  /** Of a value in quotation marks that its name calls secret. */
  quotedSecretChars: 512,
} as const;
