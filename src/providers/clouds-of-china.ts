/** Clouds of China, who serve models of their own and of others; each row names its API reference. */
import { anthropicApi, BATCHES, company, type Company, RESPONSES } from "./company.ts";

/**
 * Alibaba: other files have a purpose of its own, and one model reads them. `max_tokens` leaves thoughts out, and not
 * all of its models know `max_completion_tokens`, which counts them (API reference, 2026-11).
 */
const OF_ALIBABA = { keepsBatchFilesOnly: true, thinksBeyondLimit: true } as const;
/** Responses of 2026-10: all but cancelling. */
const QWEN = ["chat", "embeddings", ...RESPONSES, "response_input_items", ...BATCHES] as const;

export const CLOUDS_OF_CHINA: readonly Company[] = [
  company({
    id: "alibaba",
    displayName: "Alibaba Cloud Model Studio (Qwen)",
    baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    surfaces: QWEN,
    quirks: OF_ALIBABA,
    reference:
      "https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope",
  }),
  company({
    id: "alibaba-workspace",
    displayName: "Alibaba Cloud Model Studio, a workspace's own address",
    baseUrl: "https://{workspace}.{region}.maas.aliyuncs.com/compatible-mode/v1",
    parameters: [
      { name: "workspace", description: "Id of the Model Studio workspace.", standard: null },
      {
        name: "region",
        description: "Region of Alibaba Cloud, such as ap-southeast-1.",
        standard: "ap-southeast-1",
      },
    ],
    surfaces: QWEN,
    quirks: OF_ALIBABA,
    reference:
      "https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope",
  }),
  company({
    id: "alibaba-cn",
    displayName: "Alibaba Cloud Model Studio, China",
    baseUrl: "https://dashscope.aliyuncs.com/compatible-mode/v1",
    surfaces: QWEN,
    quirks: OF_ALIBABA,
    reference: "https://help.aliyun.com/en/model-studio/compatibility-of-openai-with-dashscope",
  }),
  anthropicApi({
    id: "alibaba-anthropic",
    displayName: "Alibaba Cloud Model Studio (Anthropic's API)",
    baseUrl: "https://dashscope-intl.aliyuncs.com/apps/anthropic/v1",
    authentication: { kind: "header", name: "x-api-key" },
    // That its limit leaves thoughts out here too is not said; more is held for it.
    quirks: { thinksBeyondLimit: true },
    reference: "https://www.alibabacloud.com/help/en/model-studio/anthropic-api-messages",
  }),
  company({
    id: "baidu",
    displayName: "Baidu Qianfan (ERNIE)",
    baseUrl: "https://qianfan.baidubce.com/v2",
    reference: "https://cloud.baidu.com/doc/qianfan/s/Hmh4suq26",
  }),
  company({
    id: "tencent",
    displayName: "Tencent Cloud TokenHub",
    baseUrl: "https://tokenhub-intl.tencentcloudmaas.com/v1",
    reference: "https://www.tencentcloud.com/products/tokenhub",
  }),
  anthropicApi({
    id: "tencent-anthropic",
    displayName: "Tencent Cloud TokenHub (Anthropic's API)",
    baseUrl: "https://tokenhub-intl.tencentcloudmaas.com/v1",
    authentication: { kind: "header", name: "x-api-key" },
    reference: "https://www.tencentcloud.com/products/tokenhub",
  }),
  company({
    id: "hunyuan",
    displayName: "Tencent Hunyuan",
    baseUrl: "https://api.hunyuan.cloud.tencent.com/v1",
    surfaces: ["chat", "embeddings"],
    reference: "https://cloud.tencent.com/document/product/1729/111007",
  }),
  company({
    id: "volcengine",
    displayName: "Volcengine Ark (Doubao)",
    baseUrl: "https://ark.cn-beijing.volces.com/api/v3",
    surfaces: ["chat", "embeddings", ...RESPONSES, "response_input_items"],
    // Its `max_tokens` is said to leave thoughts out; unconfirmed, more is held for it (2026-11).
    quirks: { thinksBeyondLimit: true },
    reference: "https://www.volcengine.com/docs/82379/1494384",
  }),
];
