import { describe, expect, test } from "bun:test";
import { readBaseUrl } from "../../src/admin/address.ts";

/** The normal form, or the reason of the refusal. */
function read(text: string, allowPrivateNetwork = false): string {
  const verdict = readBaseUrl(text, allowPrivateNetwork);
  return verdict.allowed ? verdict.value : verdict.refusal.message;
}

const taken: readonly (readonly [text: string, normal: string])[] = [
  ["https://api.openai.com/v1", "https://api.openai.com/v1"],
  ["https://api.openai.com/v1/", "https://api.openai.com/v1"],
  ["https://api.openai.com", "https://api.openai.com"],
  ["HTTPS://API.OpenAI.com/V1", "https://api.openai.com/V1"],
  ["https://api.openai.com.:443/v1", "https://api.openai.com/v1"],
  ["https://api.openai.com:8443/a/b", "https://api.openai.com:8443/a/b"],
  ["http://api.example.com/v1", "http://api.example.com/v1"],
  ["https://8.8.8.8/v1", "https://8.8.8.8/v1"],
  ["https://[2606:4700::1111]/v1", "https://[2606:4700::1111]/v1"],
  ["https://bücher.example/v1", "https://xn--bcher-kva.example/v1"],
  ["https://my_server.example.com", "https://my_server.example.com"],
];

/** Every spelling of this machine or the network around it. */
const local: readonly (readonly [text: string, normal: string])[] = [
  ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"],
  ["http://localhost:8000/v1", "http://localhost:8000/v1"],
  ["http://LocalHost./v1", "http://localhost/v1"],
  ["http://api.localhost/v1", "http://api.localhost/v1"],
  ["http://0x7f.1/", "http://127.0.0.1"],
  ["http://0x7f000001/", "http://127.0.0.1"],
  ["http://2130706433/", "http://127.0.0.1"],
  ["http://017700000001/", "http://127.0.0.1"],
  ["http://127.1/", "http://127.0.0.1"],
  ["http://127.0.0.1./", "http://127.0.0.1"],
  ["http://127.0.0.1%2e/", "http://127.0.0.1"],
  ["http://①②⑦.⓪.⓪.①/", "http://127.0.0.1"],
  ["http://１２７.０.０.１/", "http://127.0.0.1"],
  ["http://[::1]/", "http://[::1]"],
  ["http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]"],
  ["http://[0:0:0:0:0:ffff:7f00:1]/", "http://[::ffff:7f00:1]"],
  ["http://[::127.0.0.1]/", "http://[::7f00:1]"],
  ["http://[64:ff9b::7f00:1]/", "http://[64:ff9b::7f00:1]"],
  ["http://[2002:7f00:1::]/", "http://[2002:7f00:1::]"],
  ["http://10.1.2.3/", "http://10.1.2.3"],
  ["http://192.168.0.10/", "http://192.168.0.10"],
  ["http://172.16.0.1/", "http://172.16.0.1"],
  ["http://100.64.0.1/", "http://100.64.0.1"],
  ["http://[fd00::1]/", "http://[fd00::1]"],
  ["http://ollama:11434/v1", "http://ollama:11434/v1"],
  ["http://gpu-box.local/v1", "http://gpu-box.local/v1"],
  ["https://llm.svc.internal/v1", "https://llm.svc.internal/v1"],
];

/** Never, whatever is allowed. */
const never: readonly (readonly [text: string, why: string])[] = [
  ["http://169.254.169.254/latest/meta-data", "never called"],
  ["http://[::ffff:169.254.169.254]/", "never called"],
  ["http://[::ffff:a9fe:a9fe]/", "never called"],
  ["http://2852039166/", "never called"],
  ["http://0xa9fea9fe/", "never called"],
  ["http://0251.0376.0251.0376/", "never called"],
  ["http://[64:ff9b::a9fe:a9fe]/", "never called"],
  ["http://[fe80::1]/", "never called"],
  ["http://[fd00:ec2::254]/", "never called"],
  ["http://100.100.100.200/", "never called"],
  ["http://168.63.129.16/", "never called"],
  ["http://0.0.0.0:8000/", "never called"],
  ["http://0/", "never called"],
  ["http://[::]/", "never called"],
  ["http://224.0.0.1/", "never called"],
  ["http://[ff02::1]/", "never called"],
  ["http://255.255.255.255/", "never called"],
  ["http://metadata.google.internal/", "names a metadata service"],
  ["http://Metadata.Google.Internal./", "names a metadata service"],
  ["http://metadata/", "names a metadata service"],
  ["http://instance-data.ec2.internal/", "names a metadata service"],
  ["file:///etc/passwd", "must be https:// or http://, not file://"],
  ["ftp://example.com/", "must be https:// or http://, not ftp://"],
  ["unix:///run/docker.sock", "must be https:// or http://, not unix://"],
  ["s3://bucket/key", "must be https:// or http://, not s3://"],
  ["data:text/plain,hello", "must spell out its scheme"],
  ["blob:https://example.com/1", "must spell out its scheme"],
  ["javascript:alert(1)", "must spell out its scheme"],
  ["api.openai.com/v1", "must spell out its scheme"],
  ["//api.openai.com/v1", "must spell out its scheme"],
  ["http:/127.0.0.1/", "must spell out its scheme"],
  ["http:127.0.0.1/", "must spell out its scheme"],
  ["", "must spell out its scheme"],
  ["https://", "must be a complete URL"],
  ["https://256.256.256.256/", "must be a complete URL"],
  ["https://1.2.3.4.5/", "must be a complete URL"],
  ["https://example.com:99999/", "must be a complete URL"],
  ["https://example.com:0/", "must not name port 0"],
  ["https://user@example.com/", "must not contain a user name"],
  ["https://user:password@example.com/", "must not contain a user name"],
  ["https://:@example.com/", "must not contain a user name"],
  ["https://@example.com/", "must not contain a user name"],
  ["https://example.com/v1?key=1", "must not contain a query"],
  ["https://example.com/v1?", "must not contain a query"],
  ["https://example.com/v1#top", "must not contain a query"],
  [" https://example.com", "must not contain spaces"],
  ["https://example.com\n", "must not contain spaces"],
  ["https://exa\tmple.com", "must not contain spaces"],
  ["https://example.com\\@127.0.0.1/", "must not contain spaces"],
  ["https://example.com/\u0000", "must not contain spaces"],
  ["https://a..b/", "must name a host"],
  ["https://-.example.com/", "must name a host"],
  [`https://example.com/${"a".repeat(2_048)}`, "must have at most 2048 characters"],
];

describe("a base URL", () => {
  test.each(taken)("%s is taken as %s", (text, normal) => {
    expect(read(text)).toBe(normal);
  });

  test.each(local)("%s needs allow_private_network", (text) => {
    expect(read(text, false)).toContain("needs allow_private_network");
  });

  test.each(local)("%s is taken as %s when private networks are allowed", (text, normal) => {
    expect(read(text, true)).toBe(normal);
  });

  test.each(never)("%j is refused: %s", (text, why) => {
    expect([read(text, true), read(text, false)]).toEqual([
      expect.stringContaining(why),
      expect.stringContaining(why),
    ]);
  });

  test("is refused with its place in the body", () => {
    expect(readBaseUrl("file:///etc/passwd", true)).toEqual({
      allowed: false,
      refusal: {
        code: "invalid_request",
        message: "base_url must be https:// or http://, not file://.",
        param: "/base_url",
      },
    });
  });
});
