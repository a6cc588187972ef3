/**
 * The log: one line per event, as JSON for machines or as text for people. Every field goes through
 * the redactor; prompts and answers are never passed in, and would be replaced if they were. A line
 * costs a few microseconds, waits for nothing and fails nothing.
 */
import { pino } from "pino";
import { prettyFactory } from "pino-pretty";
import { type Clock, formatTime } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import { createRedactor } from "./redact.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

/** `event` is a short fixed phrase, such as `attempt failed`; whatever varies is a field. */
export interface Log {
  readonly debug: (event: string, fields?: LogFields) => void;
  readonly info: (event: string, fields?: LogFields) => void;
  readonly warn: (event: string, fields?: LogFields) => void;
  readonly error: (event: string, fields?: LogFields) => void;
}

/** Where lines go; `line` ends with a line feed. */
export type LogSink = { readonly write: (line: string) => void };

export type LogOptions = {
  readonly level: LogLevel;
  readonly format: "json" | "pretty";
  /** Colours, in the pretty format. */
  readonly colour: boolean;
  readonly clock: Clock;
  readonly sink: LogSink;
  /** Values that must never appear, such as the admin token. */
  readonly secrets: readonly string[];
};

/** Members that every line has; a field of the same name would be ambiguous. */
const ownMembers: ReadonlySet<string> = new Set(["level", "time", "event"]);

export function createLog(options: LogOptions): Log {
  const { clock, sink, level, secrets } = options;
  const redactor = createRedactor(secrets);
  const pretty = prettyFactory({ colorize: options.colour, messageKey: "event" });
  const writer = pino(
    {
      level,
      base: null,
      messageKey: "event",
      timestamp: () => `,"time":"${formatTime(clock.nowMs())}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.format === "json" ? sink : { write: (line: string) => sink.write(pretty(line)) },
  );

  function safe(fields: LogFields): Record<string, unknown> {
    const copy = redactor.value(fields);
    const entries = typeof copy === "object" && copy !== null ? Object.entries(copy) : [];
    return Object.fromEntries(
      entries.map(([name, value]) => [ownMembers.has(name) ? `${name}_field` : name, value]),
    );
  }

  function at(line: LogLevel): (event: string, fields?: LogFields) => void {
    return (event, fields = {}) => {
      if (writer.isLevelEnabled(line)) writer[line](safe(fields), redactor.text(event));
    };
  }
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export type FileSink = LogSink & {
  /** Lines that a full buffer dropped. */
  readonly droppedCount: () => number;
  /** Resolves when what is buffered has been written; nothing may be written after it. */
  readonly end: () => Promise<void>;
};

/**
 * Writes to an open file descriptor (1 or 2) without blocking. A reader that does not keep up fills
 * a bounded buffer, after which lines drop: a full pipe must not stop the gateway.
 */
export function openLogSink(fileDescriptor: number): FileSink {
  const stream = pino.destination({
    dest: fileDescriptor,
    sync: false,
    maxLength: LIMITS.logBufferBytesMax,
  });
  let dropped = 0;
  stream.on("drop", () => {
    dropped += 1;
  });
  // The reader of our log went away; there is nobody left to tell, and requests go on.
  stream.on("error", () => {
    dropped += 1;
  });
  return {
    write: (line) => {
      stream.write(line);
    },
    droppedCount: () => dropped,
    end: () =>
      new Promise((resolve) => {
        stream.once("close", () => resolve());
        stream.end();
      }),
  };
}
