/**
 * Every bound of the program in one place. A queue, body, stream, map, retry or wait without a
 * number here does not exist; the relations between them are asserted when the process starts.
 */
import { assert } from "./assert.ts";

export const LIMITS = {
  /** Client body; the contract's default. */
  bodyBytesMax: 20 * 1024 * 1024,
  /** Body of an admin request. */
  adminBodyBytesMax: 1024 * 1024,
  /** Containers within containers in a client body; real tool schemas stay below 30. */
  jsonDepthMax: 128,
  /** Members and containers in a client body: parsing 100,000 of them takes 60 ms, a million 600. */
  jsonNodesMax: 100_000,
  /** Values of any kind in a client body; OpenAI embeds at most 300,000 tokens in one request. */
  jsonValuesMax: 500_000,
  headerBytesMax: 16 * 1024,
  modelNameBytesMax: 256,
  /** A plain answer from a provider that we hold in memory to read its usage. */
  answerBytesMax: 64 * 1024 * 1024,
  /** One server-sent event; a provider that sends a longer one is broken or hostile. */
  eventBytesMax: 4 * 1024 * 1024,
  /** The same of a response, whose last one repeats all that was made, pictures included. */
  responseEventBytesMax: 32 * 1024 * 1024,
  /** A refusal that is longer is known by its status alone; real ones stay below 4 KiB. */
  failureBytesMax: 64 * 1024,
  /** Time to read the whole client body. */
  bodyReadMs: 120_000,
  /** What has come of client bodies that are being read at once. */
  bodiesReadingBytesMax: 512 * 1024 * 1024,
  /** As much of a body always finds room; most are no longer. */
  bodySmallBytesMax: 16 * 1024,
  /** A form with sound, or with pictures; Groq takes 100 MB of sound, OpenAI 16 pictures (2026-11). */
  audioFormBytesMax: 101 * 1024 * 1024,
  imageFormBytesMax: 210 * 1024 * 1024,
  /** A form with a file to be kept; OpenAI takes as much (2026-11), and a little for the form itself. */
  fileFormBytesMax: 513 * 1024 * 1024,
  /** As much of a form stays in memory; the rest of a larger one goes to a temporary file. */
  formInMemoryBytesMax: 1024 * 1024,
  formPartsMax: 256,
  formHeaderBytesMax: 8 * 1024,
  /** Text of one field and of all of them that is kept; OpenAI takes prompts of 32,000 characters. */
  formFieldBytesMax: 128 * 1024,
  formFieldsBytesMax: 1024 * 1024,
  /** As much of a file's begin is kept, for what its header tells of it. */
  formFileHeadBytes: 4 * 1024,
  /** Time to read a whole form: 512 MB at 7 Mbit/s. A silent sender is cut off long before. */
  formReadMs: 10 * 60_000,
  /** What temporary files may weigh together, and what must stay free on their disk for the ledger. */
  spoolsBytesMax: 16 * 1024 * 1024 * 1024,
  diskReserveBytes: 1024 * 1024 * 1024,
  /** How often the log says that there is no room for uploads. */
  noRoomToldMs: 60_000,
  /** A client that takes nothing of its stream for this long, while there is more, is given up. */
  stalledReaderMs: 60_000,
  /**
   * Exchanges at once; past this, new ones answer 503. Each stream is two sockets and some 25 KB; one whose
   * client reads slowly 0.5 MB for an answer of 128 KB and 1.3 MB at most, of which Bun's buffers are 1 MB.
   */
  exchangesInFlightMax: 10_000,
  attemptsMax: 3,
  /** What was tried, as a request row keeps it, and as an error tells it. */
  attemptNotesMax: 64,
  attemptsToldMax: 8,
  attemptNameCharsMax: 120,
  backoffBaseMs: 50,
  backoffThrottledBaseMs: 1_000,
  backoffMaxMs: 5_000,
  /** No further attempt begins with less than this left of its exchange's time. */
  attemptLeastMs: 50,
  exchangeTotalMs: 15 * 60_000,
  streamTotalMs: 4 * 60 * 60_000,
  connectMs: 5_000,
  firstByteMs: 300_000,
  firstTokenMs: 300_000,
  idleMs: 300_000,
  /** Silence of a stream after which the client gets a comment; proxies in between cut at 60 s. */
  keepAliveMs: 15_000,
  /** For the end of a body after the stream's terminator. */
  afterTerminatorMs: 1_000,
  /** How long a left client's answer is read on where the provider's policy is `drain`. */
  clientGoneDrainMs: 20_000,
  /** Left clients' answers that are read on at once; past this, the oldest rule, `abort`, holds. */
  clientGoneDrainsMax: 256,
  /** As much of one left client's answer is read on. */
  clientGoneDrainBytesMax: 8 * 1024 * 1024,
  /** Text of a stream that is kept so that another attempt can go on with it. */
  continuedTextCharsMax: 256 * 1024,
  /** Generated text that is kept of one answer for counting; what is longer is extrapolated. */
  countedOutputBytesMax: 256 * 1024,
  /** The same of a client's body. */
  countedInputBytesMax: 64 * 1024,
  /** How long the counting of tokens may take, starting its thread included. */
  tokenCountMs: 5_000,
  tokenCountsWaitingMax: 256,
  /** After this long without a question the counting thread gives its 65 MB back. */
  tokenCounterIdleMs: 60_000,
  /** Holds and postings waiting for the writer thread; past this, admission answers 503. */
  ledgerQueueMax: 50_000,
  /** Request rows waiting for the writer thread; past this they drop, counted. */
  requestRowQueueMax: 20_000,
  /** Request rows in one commit; few, because a hold behind them waits some 10 µs for each. */
  requestRowBatchMax: 64,
  requestRowFlushMs: 200,
  writerBatchMax: 512,
  /** Attempts that a breaker lets through while half-open. */
  halfOpenPermits: 3,
  /** After this long without an outcome a half-open breaker lets another attempt through. */
  probeLeaseMs: 60_000,
  /** Open time of a breaker: the first, doubled with each further one, up to the last. */
  breakerOpenMs: 5_000,
  breakerOpenMsMax: 300_000,
  /** How often an open breaker lets an attempt through that has nowhere else to go. */
  lastResortMs: 1_000,
  /** Each of the steps in which a breaker that has closed gives its share of attempts back. */
  slowStartStepMs: 10_000,
  /** Cooldown of a provider that throttles and names no time; doubled likewise. */
  cooldownMs: 1_000,
  cooldownMsMax: 60_000,
  /** The longest `retry-after` of a provider that is believed. */
  cooldownAskedMsMax: 3_600_000,
  /** Rest of a lane whose account is empty. */
  exhaustedRestMs: 300_000,
  /** Rest of a lane whose credential is refused: the first, doubled with each further one, up to the last. */
  credentialRestMs: 60_000,
  credentialRestMsMax: 600_000,
  /** The whole of asking for a token that is presented to a provider. */
  tokenRequestMs: 10_000,
  /** Such a token is renewed so long before it expires, and not used in its last moments. */
  tokenRenewAheadMs: 300_000,
  tokenSpareMs: 10_000,
  /** Between failed renewals of one that can still be used. */
  tokenRetryMs: 10_000,
  /** Repeats of failed attempts that a provider may have left, and those of them that time refills. */
  retryBudgetMax: 50,
  retryReserve: 5,
  /** Families of models that a provider keeps apart, for each credential; later ones share a lane. */
  providerFamiliesMax: 64,
  /** Names of models whose family is looked up once. */
  laneModelsMax: 1_000,
  /** After this long an outcome counts half in what is known of how a provider serves. */
  serviceHalfLifeMs: 300_000,
  /** Pairs of access token and model whose output sizes a tenant's actor remembers. */
  learnedOutputPairsMax: 1_000,
  /** Models whose bytes per token a provider's actor remembers. */
  learnedInputModelsMax: 256,
  /** What one recorded answer may hold in memory; past it, readers that are behind are ended. */
  recordingBytesMax: 4 * 1024 * 1024,
  /** All of them together. */
  recordingsBytesMax: 256 * 1024 * 1024,
  /** Recorded answers at once, running and kept; past this, exchanges that need one answer 503. */
  recordingsMax: 20_000,
  /** A client's Idempotency-Key; OpenAI and Stripe take as many characters. */
  idempotencyKeyCharactersMax: 255,
  idempotencyKeptMs: 24 * 60 * 60_000,
  /** A larger answer is not kept: who comes again is told so, and nothing is executed again. */
  idempotencyAnswerBytesMax: 1024 * 1024,
  /** Kept answers of a tenant together; past it, its oldest are dropped, as if they had been too large. */
  idempotencyTenantBytesMax: 256 * 1024 * 1024,
  /** What an answer counts at least: its row takes about a page, and few are dropped for a large one. */
  idempotencyCountedBytesMin: 4 * 1024,
  /** Steps about keys in one commit, and what their answers may weigh together. */
  idempotencyStepsMax: 256,
  idempotencyStepBytesMax: 8 * 1024 * 1024,
  /** Expired keys deleted in one commit, and commits in one go: answers are large to delete. */
  idempotencyExpiredRowsMax: 64,
  idempotencyExpiredBatchesMax: 100,
  /** What a tenant's providers keep for it, of one kind; past it the oldest are forgotten here. */
  objectsOfKindMax: 500_000,
  /** As long as OpenAI keeps a response (2026-11). */
  objectsKeptMs: 30 * 24 * 60 * 60_000,
  /** How long an answer waits until what it made is on disk; a slow disk must not hold it back. */
  objectsSavedMs: 1_000,
  /** What is kept until somebody deletes it, as files are: their number bounds what is remembered. */
  filesKeptMs: 10 * 365 * 24 * 60 * 60_000,
  /** A provider's own words about an object, and objects in one page of a list. */
  objectDetailCharsMax: 4_096,
  objectsListedMax: 1_000,
  /** Steps about them in one commit, and waiting for one. */
  objectStepsMax: 256,
  objectStepsWaitingMax: 10_000,
  objectsExpiredRowsMax: 256,
  objectsExpiredBatchesMax: 100,
  /** Requests in one file for batches; OpenAI takes as many (2026-11). */
  batchLinesMax: 50_000,
  /** Objects that one request may name. */
  objectsNamedMax: 1_000,
  /** How long a resumable stream goes on while nobody reads it, and is kept after its end. */
  resumableUnreadMs: 60_000,
  resumableKeptMs: 60_000,
  /** The least that a provider's own complaints lower its attempts at once to. */
  adaptiveFloor: 5,
  /** The longest that one without a slot is told to wait: who frees one is not ours to know. */
  slotRetryMsMax: 60_000,
  /** Copies of requests for shadows that are under way, and the bytes of their bodies. */
  shadowsMax: 64,
  shadowBytesMax: 64 * 1024 * 1024,
  /** As much of a shadow's answer is read, for as long. */
  shadowAnswerBytesMax: 8 * 1024 * 1024,
  shadowTotalMs: 120_000,
  /**
   * Jobs that are looked at, at most so many at once, and of one provider and kind so many: answers of batches
   * are read for minutes. The time that one question may take, and its answer's size.
   */
  jobLooksMs: 1_000,
  jobLooksAtOnceMax: 32,
  jobLooksOfProviderMax: 4,
  jobAskMs: 2 * 60 * 60_000,
  jobOutputBytesMax: 4 * 1024 * 1024 * 1024,
  /**
   * A job whose end nobody has told so long after its begin is charged what is held for it. Batches may be
   * given a week (Groq's guide, 2026-11); this is twice as long, and a day.
   */
  jobFollowedMs: 15 * 24 * 60 * 60_000,
  /** Jobs that are followed at once, some 2 KB each, and those of one tenant. */
  jobsOpenMax: 20_000,
  jobsOfTenantMax: 5_000,
  /** Looks in a row at which its provider knew nothing of it, over so long: then it is gone. */
  jobUnknownLooksMax: 5,
  jobUnknownMs: 30 * 60_000,
  /** Operators are told of jobs that were not heard of for so long, and of a provider's no more often than that. */
  jobUnheardMs: 15 * 60_000,
  jobUnheardToldMs: 60 * 60_000,
  /** After this long without an outcome a target is tried again now and then. */
  exploreAfterMs: 60_000,
  drainMs: 120_000,
  drainForcedMs: 5_000,
  /** For the last bytes of answers to go out once everything is settled. */
  lastBytesMs: 2_000,
  pageRowsDefault: 50,
  pageRowsMax: 200,
  /** After this long without a request an owner's actor is dropped. */
  ownerIdleMs: 10 * 60_000,
  /** Actors of end users in memory, of 13 KB each; above it the longest idle ones are dropped. */
  endUserActorsMax: 5_000,
  /** End users are whatever clients write: longer words are known by their hash. */
  endUserCharactersMax: 128,
  /** How often learned sizes, alerts and unpriced models that wait are written. */
  sideWriteMs: 20_000,
  /** Models without a price that are listed; clients may name any number. */
  unpricedModelsMax: 1_000,
  /** Alerts known to be recorded, so that a rebuilt actor need not ask the store again. */
  alertsKnownMax: 10_000,
  configFileBytesMax: 1024 * 1024,
  /** Label sets of one metric; what comes later counts under `other`. */
  metricLabelSetsMax: 1_000,
  /** The same for histograms, whose every set is twenty lines to render. */
  metricHistogramSetsMax: 100,
  /** Catalogue prices kept; clients may name any number of models. */
  priceCacheMax: 2_000,
  /** What one log line may hold of a text, a list and a depth; the rest is cut. */
  logTextCharsMax: 4_096,
  logListItemsMax: 50,
  logDepthMax: 6,
  /** Log lines waiting for a slow reader; past this they drop, counted. */
  logBufferBytesMax: 16 * 1024 * 1024,
} as const;

/** Relations that must hold for the program to make sense; called once by main. */
export function assertLimits(): void {
  assert(LIMITS.connectMs < LIMITS.firstByteMs, "connecting must end before the first byte is due");
  assert(LIMITS.firstByteMs < LIMITS.exchangeTotalMs, "the first byte must come within the total");
  assert(LIMITS.backoffMaxMs < LIMITS.exchangeTotalMs, "a backoff must fit into the total");
  const smallBodiesBytes = LIMITS.exchangesInFlightMax * LIMITS.bodySmallBytesMax;
  assert(
    smallBodiesBytes + 5 * LIMITS.bodyBytesMax <= LIMITS.bodiesReadingBytesMax,
    "a small body of each exchange and some of the largest must fit into the room for bodies",
  );
  assert(
    // Sealing adds some bytes.
    2 * LIMITS.idempotencyAnswerBytesMax <= LIMITS.idempotencyTenantBytesMax,
    "an answer that is kept must fit into what a tenant may have kept",
  );
  assert(LIMITS.pageRowsDefault <= LIMITS.pageRowsMax, "the default page must be a valid page");
  assert(LIMITS.retryReserve <= LIMITS.retryBudgetMax, "the reserve is part of the retry budget");
  assert(LIMITS.writerBatchMax < LIMITS.ledgerQueueMax, "a batch must fit into the queue");
}
