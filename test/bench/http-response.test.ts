/** The response parser gives the same answer however the network cut the bytes. */
import { describe, expect, test } from "bun:test";
import { HttpSyntaxError, ResponseParser } from "../../bench/http-response.ts";

type Seen = { status: number; body: string; reusable: boolean | undefined };

function parse(reads: readonly string[], closes = false): readonly Seen[] {
  const seen: Seen[] = [];
  const parser = new ResponseParser({
    onHead: (status) => seen.push({ status, body: "", reusable: undefined }),
    onBody: (bytes) => {
      const last = seen.at(-1);
      if (last !== undefined) last.body += bytes.toString("latin1");
    },
    onEnd: (reusable) => {
      const last = seen.at(-1);
      if (last !== undefined) last.reusable = reusable;
    },
  });
  for (const read of reads) parser.push(Buffer.from(read, "latin1"));
  if (closes) parser.close();
  return seen;
}

function isReusable(startLine: string): boolean | undefined {
  return parse([`${startLine}\r\ncontent-length: 0\r\n\r\n`])[0]?.reusable;
}

function cuts(whole: string): readonly (readonly string[])[] {
  const places = Array.from({ length: whole.length - 1 }, (_, index) => index + 1);
  const inTwo = places.map((at) => [whole.slice(0, at), whole.slice(at)]);
  return [[whole], whole.split(""), ...inTwo];
}

const counted = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
const chunked =
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
  "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nx-trailer: 1\r\n\r\n";

describe("a response parser", () => {
  test("reads a counted body, cut at any byte", () => {
    for (const reads of cuts(counted)) {
      expect(parse(reads)).toEqual([{ status: 200, body: "hello", reusable: true }]);
    }
  });

  test("reads a chunked body with extensions and trailers, cut at any byte", () => {
    for (const reads of cuts(chunked)) {
      expect(parse(reads)).toEqual([{ status: 200, body: "hello world", reusable: true }]);
    }
  });

  test("reads one response after the other on a connection", () => {
    for (const reads of cuts(chunked + counted)) {
      expect(parse(reads)).toEqual([
        { status: 200, body: "hello world", reusable: true },
        { status: 200, body: "hello", reusable: true },
      ]);
    }
  });

  test("ends a body without length with the connection, which cannot be used again", () => {
    const whole = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
    expect(parse([whole])).toEqual([{ status: 200, body: "until the end", reusable: undefined }]);
    expect(parse([whole], true)).toEqual([{ status: 200, body: "until the end", reusable: false }]);
  });

  test("does not take a cut body for a whole one", () => {
    expect(parse([counted.slice(0, -1)], true)).toEqual([
      { status: 200, body: "hell", reusable: undefined },
    ]);
    expect(parse([chunked.slice(0, -2)], true)).toEqual([
      { status: 200, body: "hello world", reusable: undefined },
    ]);
  });

  test("passes over interim responses and knows statuses without a body", () => {
    const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    for (const reads of cuts(interim)) {
      expect(parse(reads)).toEqual([{ status: 204, body: "", reusable: true }]);
    }
    expect(parse(["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"])).toEqual([
      { status: 200, body: "", reusable: true },
    ]);
  });

  test("believes the peer about keeping the connection", () => {
    expect(isReusable("HTTP/1.1 200 OK\r\nConnection: Close")).toBe(false);
    expect(isReusable("HTTP/1.0 200 OK")).toBe(false);
    expect(isReusable("HTTP/1.0 200 OK\r\nconnection: keep-alive")).toBe(true);
  });

  test("refuses what is not HTTP/1.1", () => {
    const bad = [
      "HTTP/2 200\r\n\r\n",
      "hello\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 5x\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhello\r\n",
      "x".repeat(70_000),
    ];
    for (const text of bad) expect(() => parse([text])).toThrow(HttpSyntaxError);
  });
});
