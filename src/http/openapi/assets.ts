/** The files of Swagger UI, from the package and read once, compressed for whoever takes that. */
import { INIT_JS } from "./page.ts";

type Asset = {
  readonly type: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer> | null;
};

const TYPES = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
  "init.js": "text/javascript; charset=utf-8",
} as const;

export type AssetName = keyof typeof TYPES;
export const ASSET_NAMES = Object.keys(TYPES) as AssetName[];

const loaded = new Map<AssetName, Promise<Asset>>();

export async function assetReply(name: AssetName, request: Request): Promise<Response> {
  const asset = loaded.get(name) ?? load(name);
  loaded.set(name, asset);
  const { type, plain, gzip } = await asset;
  const takesGzip = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
  const isGzip = takesGzip && gzip !== null;
  return new Response(isGzip ? gzip : plain, {
    headers: {
      "content-type": type,
      "cache-control": "public, max-age=3600",
      "x-content-type-options": "nosniff",
      vary: "accept-encoding",
      ...(isGzip && { "content-encoding": "gzip" }),
    },
  });
}

async function load(name: AssetName): Promise<Asset> {
  const type = TYPES[name];
  const plain =
    name === "init.js"
      ? new TextEncoder().encode(INIT_JS)
      : await Bun.file(Bun.resolveSync(`swagger-ui-dist/${name}`, import.meta.dir)).bytes();
  return { type, plain, gzip: type.startsWith("text/") ? Bun.gzipSync(plain) : null };
}
