/**
 * The grammar: what a script may say, what it may not, and who wins when several speak.
 */

import { describe, expect, test } from "bun:test";
import { overlay, readScript, splitModel } from "../../bench/upstream/script.ts";
import { SCRIPT_GRAMMAR, SCRIPT_MEMBERS } from "../../bench/upstream/script-members.ts";

function scriptOf(text: string): object {
  const reading = readScript(text);
  return reading.ok ? reading.script : { complaint: reading.complaint };
}

describe("a script", () => {
  const cases: [text: string, script: object][] = [
    ["", {}],
    ["tokens=20", { tokens: 20 }],
    ["tokens=20&cut_at=0", { tokens: 20, cut_at: 0 }],
    ["&tokens=1&&", { tokens: 1 }],
    ["hang=1", { hang: true }],
    ["hang", { hang: true }],
    ["hang=true&echo=0", { hang: true, echo: false }],
    ["omit_usage=false", { omit_usage: false }],
    ["body=%7B%22a%22%3A%221%2B1%26%22%7D", { body: '{"a":"1+1&"}' }],
    ["body=a=b+c", { body: "a=b+c" }],
    ["key=%E6%BC%A2", { key: "漢" }],
    ["content_encoding=gzip", { content_encoding: "gzip" }],
    ["retry_after=Wed, 01 Jan 2025", { retry_after: "Wed, 01 Jan 2025" }],
    [
      "header=X-One: a&header=set-cookie:b=c&header=x-one:d",
      {
        header: [
          ["x-one", "a"],
          ["set-cookie", "b=c"],
          ["x-one", "d"],
        ],
      },
    ],
  ];
  test.each(cases)("`%s` is understood", (text, script) => {
    expect(scriptOf(text)).toEqual(script);
  });
});

describe("a script that cannot be obeyed", () => {
  const cases: [text: string, complaint: string][] = [
    ["foo=1", "unknown member `foo`"],
    ["foo=1&tokens=2&bar", "unknown member `foo`, `bar`"],
    ["toString=1", "unknown member `toString`"],
    ["__proto__=1", "unknown member `__proto__`"],
    ["tokens=", "tokens: must be a whole number from 0 to 100000000"],
    ["tokens=-1", "tokens: must be a whole number from 0 to 100000000"],
    ["tokens=1.5", "tokens: must be a whole number from 0 to 100000000"],
    ["tokens=1e3", "tokens: must be a whole number from 0 to 100000000"],
    ["status=199", "status: must be a whole number from 200 to 599"],
    ["status=600", "status: must be a whole number from 200 to 599"],
    ["split_at=0", "split_at: must be a whole number from 1 to 1073741824"],
    ["tokens=1&tokens=2", "tokens: is given twice"],
    ["hang=yes", "hang: must be 1 or 0"],
    ["content_encoding=br", "content_encoding: must be gzip"],
    ["body=%zz", "body: is not percent-encoded UTF-8"],
    ["header=nocolon", "header: must be `name:value` of characters that a header may hold"],
    ["header=a b:c", "header: must be `name:value` of characters that a header may hold"],
    ["header=a:b%0Ac", "header: must be `name:value` of characters that a header may hold"],
    ["header=Content-Length:3", "header: `content-length` cannot be scripted"],
    ["header=transfer-encoding:x", "header: `transfer-encoding` cannot be scripted"],
    ["retry_after=1%0D%0Ax", "retry_after: has characters no header may hold"],
    ["foo=1&tokens=x", "unknown member `foo`; tokens: must be a whole number from 0 to 100000000"],
  ];
  test.each(cases)("`%s` is refused with its name", (text, complaint) => {
    expect(scriptOf(text)).toEqual({ complaint: `Script not understood: ${complaint}.` });
  });
});

test("a text beyond 65,536 characters is refused", () => {
  const body = "x".repeat(65_531);
  expect(scriptOf(`body=${body}`)).toEqual({ body });
  expect(scriptOf(`body=${body}y`)).toEqual({
    complaint: "A script has at most 65536 characters.",
  });
});

test("a text is read once and remembered, also when many others came since", () => {
  const first = readScript("tokens=77");
  expect(readScript("tokens=77")).toBe(first);
  for (let tokens = 0; tokens < 2_000; tokens += 1) {
    expect(scriptOf(`tokens=${tokens}`)).toEqual({ tokens });
  }
  expect(readScript("tokens=77")).toEqual(first);
});

test("later scripts win member by member, and a lone one is used as it is", () => {
  const low = { tokens: 1, cut_at: 5 };
  expect(overlay(low, { tokens: 2 }, { hang: true })).toEqual({ tokens: 2, cut_at: 5, hang: true });
  const empty = readScript("");
  expect(empty.ok && overlay(empty.script, low, empty.script)).toBe(low);
  expect(empty.ok && overlay(empty.script, empty.script)).toEqual({});
});

test("a model's name ends at the first question mark", () => {
  const cases = ["sim-small", "sim-small?", "gpt-4o?tokens=2", "a/b?body=x?y", ""].map(splitModel);
  expect(cases).toEqual([
    { name: "sim-small", scriptText: "" },
    { name: "sim-small", scriptText: "" },
    { name: "gpt-4o", scriptText: "tokens=2" },
    { name: "a/b", scriptText: "body=x?y" },
    { name: "", scriptText: "" },
  ]);
});

test("the help text names every member", () => {
  const named = Object.keys(SCRIPT_MEMBERS).filter((name) =>
    SCRIPT_GRAMMAR.includes(`\n  ${name}=`),
  );
  expect(named).toEqual(Object.keys(SCRIPT_MEMBERS));
});
