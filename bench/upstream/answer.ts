/**
 * The plot of one request: read the script, meet its faults, else answer like OpenAI. Faults come
 * before any check of the body, so that a script in the header works for every path and body.
 */

import { dropConnection } from "./body-writer.ts";
import { deliver, deliverError } from "./deliver.ts";
import { answerChat, answerEmbeddings, answerOther } from "./endpoints.ts";
import type { ServerResponse } from "node:http";
import { type JsonObject, readObject } from "./json.ts";
import { modelScript } from "./models.ts";
import { invalidRequest, modelNotFound, scriptedError } from "./openai-error.ts";
import type { Received } from "./received.ts";
import { overlay, readScript, splitModel } from "./script.ts";
import type { Script } from "./script-members.ts";
import { pumpStream } from "./stream-pump.ts";
import { goOnAfter, type Turn, type World } from "./turn.ts";

/** An endpoint that reads a JSON object with a model. */
type BodyEndpoint = (turn: Turn, body: JsonObject) => void;

const bodyEndpoints: ReadonlyMap<string, BodyEndpoint> = new Map([
  ["POST /v1/chat/completions", answerChat],
  ["POST /v1/embeddings", answerEmbeddings],
]);

/** Answers one request whose body has arrived; the turn tells how to stop it. */
export function answer(
  world: World,
  response: ServerResponse,
  received: Received,
  requestBody: Uint8Array,
): Turn {
  const endpoint = bodyEndpoints.get(`${received.method} ${received.path}`);
  const reading = endpoint === undefined ? undefined : readObject(requestBody);
  const body = reading?.ok === true ? reading.value : undefined;
  const scripts = readScripts(world, received, body?.["model"]);
  const turn: Turn = {
    world,
    response,
    received,
    requestBody,
    script: scripts.ok
      ? world.failures.pass(scripts.script, received.model, received.headers.authorization)
      : {},
    stop: undefined,
    usage: undefined,
  };
  if (!scripts.ok) {
    deliverError(turn, invalidRequest(scripts.complaint, scripts.param, "invalid_script"));
    return turn;
  }
  const { script } = turn;
  if (script.connection_reset === true) {
    dropConnection(response, received);
  } else if (script.hang !== true) {
    goOnAfter(turn, script.headers_delay_ms ?? script.delay_ms ?? 0, () => {
      if (!answerScripted(turn, body?.["stream"] === true)) {
        answerEndpoint(turn, endpoint, body);
      }
    });
  }
  return turn;
}

type Scripts =
  | { readonly ok: true; readonly script: Script }
  | { readonly ok: false; readonly complaint: string; readonly param: string };

/** Requests are remembered by the thousand, so what they say of themselves is cut to size. */
const rememberedScriptMax = 2_048;
const modelNameMax = 256;

/** A copy, because a slice would keep all of the long text alive. */
function bounded(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : Buffer.from(text.slice(0, charactersMax)).toString();
}

/** Lays the scripts of model, server, model suffix and header over one another. */
function readScripts(world: World, received: Received, model: unknown): Scripts {
  const header = received.headers["x-sim-script"]?.toString() ?? "";
  const split = splitModel(typeof model === "string" ? model : "");
  const texts = [split.scriptText, header].filter((text) => text !== "");
  received.script = bounded(texts.join("&"), rememberedScriptMax);
  if (split.name !== "") {
    world.tally.modelKnown(received, bounded(split.name, modelNameMax));
  }
  const ofModel = readScript(split.scriptText);
  if (!ofModel.ok) {
    return { ...ofModel, param: "model" };
  }
  const ofHeader = readScript(header);
  if (!ofHeader.ok) {
    return { ...ofHeader, param: "x-sim-script" };
  }
  const ofItself = modelScript(split.name) ?? {};
  const script = overlay(ofItself, world.defaultScript(), ofModel.script, ofHeader.script);
  return { ok: true, script };
}

/** Answers what the script says verbatim; false when the endpoint is to answer. */
function answerScripted(turn: Turn, isStream: boolean): boolean {
  const { script } = turn;
  const status = script.status ?? 200;
  if (script.body !== undefined) {
    const contentType = contentTypeOf(script.body);
    if (contentType.startsWith("text/event-stream")) {
      pumpStream(turn, [script.body].values());
    } else {
      deliver(turn, { status, contentType, body: script.body });
    }
    return true;
  }
  if (script.garbage === true) {
    const contentType = isStream ? "text/event-stream; charset=utf-8" : "application/json";
    deliver(turn, { status, contentType, body: isStream ? garbageFrames : garbageJson });
    return true;
  }
  if (status >= 300 || status === 204) {
    deliverError(turn, scriptedError(status));
    return true;
  }
  return false;
}

/** Broken JSON that is no UTF-8 either. */
const garbageJson = Buffer.concat([
  Buffer.from('{"id":"chatcmpl-'),
  Uint8Array.of(0xff, 0xfe, 0xc3),
]);
const garbageFrames = Buffer.concat([Buffer.from("data: "), garbageJson, Buffer.from("\n\n")]);

/** The kind of a scripted body by its first characters; a scripted header can say otherwise. */
function contentTypeOf(body: string): string {
  if (/^(?:data|event|id|retry)?:/u.test(body)) {
    return "text/event-stream; charset=utf-8";
  }
  return /^\s*[[{"]/u.test(body) ? "application/json" : "text/plain; charset=utf-8";
}

/** What is left when no fault was scripted: OpenAI's own checks, and then the answer. */
function answerEndpoint(
  turn: Turn,
  endpoint: BodyEndpoint | undefined,
  body: JsonObject | undefined,
): void {
  const { model } = turn.received;
  if (endpoint === undefined) {
    answerOther(turn);
  } else if (body === undefined) {
    const message = "We could not parse the JSON body of your request.";
    deliverError(turn, invalidRequest(message, null));
  } else if (model === "") {
    deliverError(turn, invalidRequest("You must provide a model parameter.", "model"));
  } else if (modelScript(model) === undefined) {
    deliverError(turn, modelNotFound(model));
  } else {
    endpoint(turn, body);
  }
}
