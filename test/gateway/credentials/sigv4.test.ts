/** Signatures are those of AWS's own library, byte for byte, whatever the path and body hold. */
import { expect, test } from "bun:test";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import * as fc from "fast-check";
import { createSigner, regionIn } from "../../../src/gateway/credentials/sigv4.ts";
import type { AwsAccessKey } from "../../../src/providers/credential-text.ts";

/** The keys of AWS's documentation. */
const LASTING: AwsAccessKey = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: null,
};
const TEMPORARY: AwsAccessKey = { ...LASTING, sessionToken: "IQoJb3JpZ2luX2VjEXAMPLE//==" };

type Vector = {
  readonly accessKey: AwsAccessKey;
  readonly host: string;
  readonly path: string;
  readonly body: string;
  readonly atMs: number;
};

async function official({ accessKey, host, path, body, atMs }: Vector): Promise<string> {
  const { accessKeyId, secretAccessKey, sessionToken } = accessKey;
  const signer = new SignatureV4({
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === null ? {} : { sessionToken }),
    },
    region: regionIn(`https://${host}`) ?? "",
    service: "bedrock",
    sha256: Sha256,
    applyChecksum: false,
  });
  const signed = await signer.sign(
    {
      method: "POST",
      protocol: "https:",
      hostname: host,
      path,
      query: {},
      headers: { host },
      body,
    },
    { signingDate: new Date(atMs) },
  );
  return signed.headers["authorization"] ?? "";
}

async function ours({ accessKey, host, path, body, atMs }: Vector): Promise<string> {
  const region = regionIn(`https://${host}`) ?? "";
  const clock = { nowMs: () => atMs };
  const sign = createSigner({ clock, accessKey, service: "bedrock", region });
  const bytes = new TextEncoder().encode(body);
  const headers = await sign({ method: "POST", url: `https://${host}${path}`, body: bytes });
  expect(headers["x-amz-security-token"]).toBe(accessKey.sessionToken ?? undefined);
  expect(headers["x-amz-date"]).toMatch(/^\d{8}T\d{6}Z$/);
  return headers["authorization"] ?? "";
}

const HOST = "bedrock-runtime.us-east-1.amazonaws.com";
const atMs = Date.UTC(2026, 10, 29, 2, 15, 0);
const PATHS = [
  "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/invoke",
  "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fmine/invoke-with-response-stream",
  "/openai/v1/chat/completions",
];

test.each(PATHS)("a request to %s has the official signature", async (path) => {
  for (const accessKey of [LASTING, TEMPORARY]) {
    const vector = { accessKey, host: HOST, path, body: '{"messages":[]}', atMs };
    expect(await ours(vector)).toBe(await official(vector));
  }
});

test("any body at any time has the official signature", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "binary" }),
      fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2040, 0, 1) }),
      fc.constantFrom("us-east-1", "eu-central-2", "us-gov-west-1"),
      async (body, at, region) => {
        const host = `bedrock-runtime.${region}.amazonaws.com`;
        const vector = { accessKey: LASTING, host, path: PATHS[0] ?? "", body, atMs: at };
        expect(await ours(vector)).toBe(await official(vector));
      },
    ),
    { numRuns: 30 },
  );
});

test("the region is the address's own, where it names one", () => {
  expect(regionIn(`https://${HOST}`)).toBe("us-east-1");
  expect(regionIn("https://bedrock-mantle.ap-southeast-2.api.aws/v1")).toBe("ap-southeast-2");
  expect(regionIn("https://vpce-1-2.bedrock-runtime.eu-west-1.vpce.amazonaws.com")).toBe(
    "eu-west-1",
  );
  expect(regionIn("https://proxy.example.com/bedrock")).toBeNull();
});
