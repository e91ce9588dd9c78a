//! The table of rules, tested as a table: what providers really said, and what it means.

use http::StatusCode;

use super::{ErrorRules, ResponseClass};
use crate::exchange::UpstreamError;

/// Provider and place where it was seen, status, body, and class. With status 200 it is an error
/// instead of an answer.
type Wording = (&'static str, u16, &'static str, &'static str);

const TOO_LONG: &[Wording] = &[
    (
        "Hugging Face TGI: validation",
        422,
        r#"{"error": "Input validation error: `inputs` must have less than 4095 tokens. Given: 5000", "error_type": "validation"}"#,
        "context_length",
    ),
    (
        "SiliconFlow: error codes",
        400,
        r#"{"code": 20015, "message": "length of prompt_tokens (40000) must be less than max_seq_len (32768).", "data": null}"#,
        "context_length",
    ),
    (
        "various: OpenAI-compatible servers",
        400,
        r#"{"error": {"message": "RequestDeadline tokens exceed the model limit", "type": "invalid_request_error", "code": null}}"#,
        "context_length",
    ),
    (
        "various: OpenAI-compatible servers",
        400,
        r#"{"error": {"message": "prompt length exceeds model context", "type": "invalid_request_error", "code": null}}"#,
        "context_length",
    ),
    (
        "OpenAI: API reference",
        400,
        r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 8545 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        "context_length",
    ),
    (
        "OpenAI: Responses API",
        400,
        r#"{"error":{"message":"Your input exceeds the context window of this model. Please adjust your input and try again.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}"#,
        "context_length",
    ),
    (
        "OpenAI: Responses API, without its code",
        400,
        r#"{"error":{"message":"Your input exceeds the context window of this model. Please adjust your input and try again.","type":"invalid_request_error"}}"#,
        "context_length",
    ),
    (
        "OpenAI: configured limit",
        400,
        r#"{"error":{"message":"Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":null}}"#,
        "context_length",
    ),
    (
        "Azure: OpenAI service",
        400,
        r#"{"error":{"message":"This model's maximum context length is 16385 tokens. However, you requested 16500 tokens (15500 in the messages, 1000 in the completion).","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        "context_length",
    ),
    (
        "Anthropic: pi-ai overflow.ts",
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 213462 tokens > 200000 maximum"}}"#,
        "context_length",
    ),
    (
        "Anthropic: OpenHands",
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 189936 + 32000 > 200000, decrease input length or `max_tokens` and try again"}}"#,
        "context_length",
    ),
    (
        "Anthropic: API errors",
        413,
        r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
        "context_length",
    ),
    (
        "Gemini: googleapis/python-genai#2466",
        400,
        r#"{"error":{"code":400,"message":"The input token count (81881) exceeds the maximum number of tokens allowed (65536).","status":"INVALID_ARGUMENT"}}"#,
        "context_length",
    ),
    (
        "Gemini: OpenAI compatible, in an array",
        400,
        r#"[{"error":{"code":400,"message":"The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).","status":"INVALID_ARGUMENT"}}]"#,
        "context_length",
    ),
    (
        "DeepSeek: error codes",
        400,
        r#"{"error":{"message":"This model's maximum context length is 65536 tokens. However, you requested 70000 tokens (61808 in the messages, 8192 in the completion). Please reduce the length of the messages or completion.","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#,
        "context_length",
    ),
    (
        "OpenRouter: pi-ai overflow.ts",
        400,
        r#"{"error":{"message":"This endpoint's maximum context length is 131072 tokens. However, you requested about 140000 tokens (139000 of text input, 1000 in the output).","code":400}}"#,
        "context_length",
    ),
    (
        "OpenRouter: Anthropic behind it",
        400,
        r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 201000 tokens > 200000 maximum\"}}","provider_name":"Anthropic"}}}"#,
        "context_length",
    ),
    (
        "Groq: pi-ai overflow.ts",
        400,
        r#"{"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        "context_length",
    ),
    (
        "Mistral: chat completions",
        400,
        r#"{"object":"error","message":"Prompt contains 40213 tokens and 0 draft tokens, too large for model with 32768 maximum context length","type":"invalid_request_error","param":null,"code":"3051"}"#,
        "context_length",
    ),
    (
        "Together: bytedance/UI-TARS-desktop#626",
        422,
        r#"{"error":{"message":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 65537. Given: 79993 `inputs` tokens and 1024 `max_new_tokens`","type":"invalid_request_error","param":null,"code":null}}"#,
        "context_length",
    ),
    (
        "Fireworks: prompt length",
        400,
        r#"{"error":{"object":"error","type":"invalid_request_error","code":"invalid_request_error","message":"The prompt is too long: 150000, model maximum context length: 131071"}}"#,
        "context_length",
    ),
    (
        "xAI: pi-ai overflow.ts",
        400,
        r#"{"code":"Client specified an invalid argument","error":"This model's maximum prompt length is 131072 but the request contains 537812 tokens."}"#,
        "context_length",
    ),
    (
        "Cohere: errors",
        400,
        r#"{"message":"too many tokens: total number of tokens in the message cannot exceed 4081 - received 4292. Try using a shorter message."}"#,
        "context_length",
    ),
    (
        "Moonshot: MoonshotAI/kimi-cli#2011",
        400,
        r#"{"error":{"message":"Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)","type":"invalid_request_error"}}"#,
        "context_length",
    ),
    (
        "Zhipu: api-code",
        400,
        r#"{"error":{"code":"1261","message":"Prompt exceeds max length"}}"#,
        "context_length",
    ),
    (
        "MiniMax: pi-ai overflow.ts",
        400,
        r#"{"type":"error","error":{"type":"bad_request_error","message":"invalid params, context window exceeds limit (2013)","http_code":"400"},"request_id":"06"}"#,
        "context_length",
    ),
    (
        "DashScope: error messages",
        400,
        r#"{"error":{"code":"invalid_parameter_error","param":null,"message":"<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]","type":"invalid_request_error"},"id":"chatcmpl-1"}"#,
        "context_length",
    ),
    (
        "Bedrock: ValidationException",
        400,
        r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"Input is too long for requested model."}"#,
        "context_length",
    ),
    (
        "Bedrock: mongodb-labs, error patterns",
        400,
        r#"{"message":"400 Bad Request: Too many input tokens. Max input tokens: 8192, request input token count: 9279"}"#,
        "context_length",
    ),
    (
        "Ollama: server",
        400,
        r#"{"error":"prompt too long; exceeded max context length by 120 tokens"}"#,
        "context_length",
    ),
    (
        "llama.cpp: tools/server",
        400,
        r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":21090,"n_ctx":8192}}"#,
        "context_length",
    ),
    (
        "llama.cpp: an older server",
        500,
        r#"{"error":{"code":500,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"server_error"}}"#,
        "context_length",
    ),
    (
        "vLLM: serving_engine.py",
        400,
        r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages, 1000 in the completion). Please reduce the length of the messages or completion.","type":"BadRequestError","param":null,"code":400}"#,
        "context_length",
    ),
    (
        "vLLM: max_tokens beside the prompt",
        400,
        r#"{"object":"error","message":"'max_tokens' or 'max_completion_tokens' is too large: 2000. This model's maximum context length is 4096 tokens and your request has 2104 input tokens (2000 > 4096 - 2104).","type":"BadRequestError","param":null,"code":400}"#,
        "context_length",
    ),
    (
        "SGLang: tokenizer manager",
        400,
        r#"{"object":"error","message":"The input (9000 tokens) is longer than the model's context length (8192 tokens).","type":"BadRequestError","param":null,"code":400}"#,
        "context_length",
    ),
    (
        "SGLang: scheduler",
        400,
        r#"{"object":"error","message":"Input length (9000 tokens) exceeds the maximum allowed length (8186 tokens). Use a shorter input or enable --allow-auto-truncate.","type":"BadRequest","param":null,"code":400}"#,
        "context_length",
    ),
    (
        "LM Studio: pi-ai overflow.ts",
        400,
        r#"{"error":"The number of tokens to keep from the initial prompt is greater than the context length. Try to load the model with a larger context length, or provide a shorter input"}"#,
        "context_length",
    ),
    (
        "LiteLLM proxy: exception mapping",
        400,
        r#"{"error":{"message":"litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - too many","type":null,"param":null,"code":"400"}}"#,
        "context_length",
    ),
    (
        "Cerebras: litellm exception_mapping_utils.py",
        400,
        r#"{"message":"Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}"#,
        "context_length",
    ),
    (
        "GitHub Copilot: pi-ai overflow.ts",
        400,
        r#"{"error":{"message":"prompt token count of 130000 exceeds the limit of 128000","code":"model_max_prompt_tokens_exceeded"}}"#,
        "context_length",
    ),
    (
        "GitHub Models",
        413,
        r#"{"error":{"code":"tokens_limit_reached","message":"Request body too large for gpt-4o model. Max size: 8000 tokens.","details":"Request body too large"}}"#,
        "context_length",
    ),
    ("Cerebras, Mistral: no body", 413, "", "context_length"),
    (
        "vLLM: max_model_len",
        400,
        r#"{"object":"error","message":"The decoder prompt (length 40000) is longer than the maximum model length of 32768.","type":"BadRequestError","param":null,"code":400}"#,
        "context_length",
    ),
    (
        "llama.cpp: batch size",
        500,
        r#"{"error":{"code":500,"message":"input (1024 tokens) is too large to process. increase the physical batch size (current batch size: 512)","type":"server_error"}}"#,
        "context_length",
    ),
    (
        "Gemini: payload",
        400,
        r#"{"error":{"code":400,"message":"Request payload size exceeds the limit: 20971520 bytes.","status":"INVALID_ARGUMENT"}}"#,
        "context_length",
    ),
    (
        "Anthropic: subscriptions",
        429,
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"Extra usage is required for long context requests."}}"#,
        "rate_limited",
    ),
    (
        "a reseller",
        400,
        r#"{"error":{"message":"Request exceeds the model's token limit","type":"invalid_request_error"}}"#,
        "context_length",
    ),
    (
        "a server of one's own",
        400,
        r#"{"error":{"message":"Prompt is way too long for me"}}"#,
        "context_length",
    ),
    (
        "Zhipu: Chinese",
        400,
        r#"{"error":{"code":"1261","message":"Prompt 超长"}}"#,
        "context_length",
    ),
];

const NO_MODEL: &[Wording] = &[
    (
        "Gemini: Vertex AI",
        400,
        r#"{"error": {"code": 400, "message": "Project x is not allowed to use Publisher Model publishers/anthropic/models/y", "status": "FAILED_PRECONDITION"}}"#,
        "unknown_model",
    ),
    (
        "OpenAI: API reference",
        404,
        r#"{"error":{"message":"The model `gpt-9` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
        "unknown_model",
    ),
    (
        "OpenAI: project limits",
        403,
        r#"{"error":{"message":"Project `proj_1` does not have access to model `gpt-5`","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
        "unknown_model",
    ),
    (
        "Azure: OpenAI service",
        404,
        r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again."}}"#,
        "unknown_model",
    ),
    (
        "Azure: another kind of model",
        400,
        r#"{"error":{"code":"OperationNotSupported","message":"The chatCompletion operation does not work with the specified model, text-embedding-3-large. Please choose different model and try again."}}"#,
        "unknown_model",
    ),
    (
        "Anthropic: API errors",
        404,
        r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}}"#,
        "unknown_model",
    ),
    (
        "Gemini: models",
        404,
        r#"{"error":{"code":404,"message":"models/gemini-0 is not found for API version v1beta, or is not supported for generateContent.","status":"NOT_FOUND"}}"#,
        "unknown_model",
    ),
    (
        "DeepSeek: error codes",
        400,
        r#"{"error":{"message":"Model Not Exist","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#,
        "unknown_model",
    ),
    (
        "OpenRouter: API errors",
        400,
        r#"{"error":{"message":"foo/bar is not a valid model ID","code":400},"user_id":"user_1"}"#,
        "unknown_model",
    ),
    (
        "OpenRouter: anomalyco/opencode#1558",
        404,
        r#"{"error":{"message":"No endpoints found for moonshotai/kimi-k2.","code":404}}"#,
        "unknown_model",
    ),
    (
        "OpenRouter: Kilo-Org/kilocode#9006",
        404,
        r#"{"error":{"message":"No endpoints found that support tool use. Try disabling \"question\".","code":404}}"#,
        "unknown_model",
    ),
    (
        "Groq: deprecations",
        400,
        r#"{"error":{"message":"The model `mixtral-8x7b-32768` has been decommissioned and is no longer supported.","type":"invalid_request_error","code":"model_decommissioned"}}"#,
        "unknown_model",
    ),
    (
        "Groq: model permissions",
        403,
        r#"{"error":{"message":"The model `m` is blocked at the organization level.","type":"permissions_error","code":"model_permission_blocked_org"}}"#,
        "unknown_model",
    ),
    (
        "Mistral: tmc/langchaingo#1233",
        400,
        r#"{"object":"error","message":"Invalid model: mistral-0","type":"invalid_model","param":null,"code":"1500"}"#,
        "unknown_model",
    ),
    (
        "Together: not serverless",
        400,
        r#"{"error":{"message":"Unable to access non-serverless model m. Please visit https://api.together.ai/models/m to create and start a new dedicated endpoint for the model.","type":"invalid_request_error","param":"model","code":"model_not_available"}}"#,
        "unknown_model",
    ),
    (
        "Fireworks: models",
        404,
        r#"{"error":{"object":"error","type":"invalid_request_error","code":"NOT_FOUND","message":"Model not found, inaccessible, and/or not deployed"}}"#,
        "unknown_model",
    ),
    (
        "xAI: models",
        404,
        r#"{"code":"Some requested entity was not found","error":"The model grok-0 does not exist or your team t does not have access to it."}"#,
        "unknown_model",
    ),
    (
        "Cohere: models",
        404,
        r#"{"message":"model 'command-0' not found, make sure the correct model ID was used and that you have access to the model."}"#,
        "unknown_model",
    ),
    (
        "Moonshot: error codes",
        404,
        r#"{"error":{"message":"Not found the model kimi-0 or Permission denied","type":"resource_not_found_error"}}"#,
        "unknown_model",
    ),
    (
        "Zhipu: api-code",
        400,
        r#"{"error":{"code":"1211","message":"模型不存在，请检查模型代码。"}}"#,
        "unknown_model",
    ),
    (
        "Zhipu: api-code, English",
        400,
        r#"{"error":{"code":"1211","message":"Unknown Model, please check the model code."}}"#,
        "unknown_model",
    ),
    (
        "DashScope: error messages",
        403,
        r#"{"error":{"message":"Model access denied.","type":"Model.AccessDenied","param":null,"code":"Model.AccessDenied"}}"#,
        "unknown_model",
    ),
    (
        "DashScope: error messages",
        404,
        r#"{"code":"ModelNotFound","message":"Model can not be found.","request_id":"r"}"#,
        "unknown_model",
    ),
    (
        "Bedrock: ValidationException",
        400,
        r#"{"message":"The provided model identifier is invalid."}"#,
        "unknown_model",
    ),
    (
        "Bedrock: inference profiles",
        400,
        r#"{"message":"Invocation of model ID m with on-demand throughput isn\u2019t supported. Retry your request with the ID or ARN of an inference profile that contains this model."}"#,
        "unknown_model",
    ),
    (
        "Bedrock: model access",
        403,
        r#"{"__type":"AccessDeniedException","message":"You don't have access to the model with the specified model ID."}"#,
        "unknown_model",
    ),
    (
        "Ollama: OpenAI compatible",
        404,
        r#"{"error":{"message":"model \"llama9\" not found, try pulling it first","type":"api_error","param":null,"code":null}}"#,
        "unknown_model",
    ),
    ("Ollama: native", 404, r#"{"error":"model 'llama9' not found"}"#, "unknown_model"),
    (
        "vLLM: serving_models.py",
        404,
        r#"{"object":"error","message":"The model `m` does not exist.","type":"NotFoundError","param":null,"code":404}"#,
        "unknown_model",
    ),
    (
        "LM Studio: no model",
        400,
        r#"{"error":{"message":"No models loaded. Please load a model in the developer page or use the `lms load` command.","type":"invalid_request_error","param":"model","code":null}}"#,
        "unknown_model",
    ),
    (
        "LiteLLM proxy",
        400,
        r#"{"error":{"message":"{'error': '/chat/completions: Invalid model name passed in model=m. Call `/v1/models` to view available models for your key.'}","type":"None","param":"None","code":"400"}}"#,
        "unknown_model",
    ),
    (
        "new-api: songquanpeng/one-api#2340",
        503,
        r#"{"error":{"message":"当前分组 default 下对于模型 m 无可用渠道 (request id: 1)","type":"one_api_error"}}"#,
        "unknown_model",
    ),
    (
        "new-api: English",
        503,
        r#"{"error":{"message":"No available channel for model m under group default (distributor)","type":"new_api_error","code":"model_not_found"}}"#,
        "unknown_model",
    ),
    (
        "Hugging Face: inference providers",
        400,
        r#"{"error":{"message":"The requested model 'm' is not supported by any provider you have enabled.","type":"invalid_request_error","param":"model","code":"model_not_supported"}}"#,
        "unknown_model",
    ),
    (
        "NVIDIA NIM",
        410,
        r#"{"type":"about:blank","status":410,"title":"Gone","detail":"The model 'm' has reached its end of life and is no longer available."}"#,
        "unknown_model",
    ),
    (
        "LiteLLM proxy: models of a key",
        401,
        r#"{"error":{"message":"key not allowed to access model. This key can only access models=['a']. Tried to access m","type":"key_model_access_denied","code":"401"}}"#,
        "unknown_model",
    ),
    (
        "Ollama: memory",
        500,
        r#"{"error":"model requires more system memory (5.6 GiB) than is available (3.1 GiB)"}"#,
        "unknown_model",
    ),
    ("LM Studio: unloaded", 400, r#"{"error":"Model unloaded."}"#, "unknown_model"),
    (
        "Cohere: chat API",
        422,
        r#"{"message":"model 'embed-0' is not supported by the chat API"}"#,
        "unknown_model",
    ),
    (
        "GitHub Copilot",
        400,
        r#"{"error":{"message":"The requested model is not supported.","code":"model_not_supported"}}"#,
        "unknown_model",
    ),
    (
        "Azure: without its code",
        404,
        r#"{"error":{"message":"The API deployment for this resource does not exist."}}"#,
        "unknown_model",
    ),
];

const NO_MONEY: &[Wording] = &[
    (
        "Volcano Ark: error codes",
        429,
        r#"{"error": {"code": "AccountOverdueError", "message": "The request failed because your account has an overdue balance.", "type": "TooManyRequests"}}"#,
        "exhausted",
    ),
    (
        "Volcano Ark: error codes",
        429,
        r#"{"error": {"code": "SetLimitExceeded", "message": "Your account has reached the set inference limit.", "type": "TooManyRequests"}}"#,
        "exhausted",
    ),
    (
        "OpenAI: error codes",
        429,
        r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
        "exhausted",
    ),
    (
        "OpenAI: its code lost behind a proxy",
        429,
        r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details."}}"#,
        "exhausted",
    ),
    (
        "OpenAI: community",
        429,
        r#"{"error":{"message":"Your account is not active, please check your billing details on our website.","type":"billing_not_active","param":null,"code":"billing_not_active"}}"#,
        "exhausted",
    ),
    (
        "OpenAI: images",
        400,
        r#"{"error":{"code":"billing_hard_limit_reached","message":"Billing hard limit has been reached","param":null,"type":"invalid_request_error"}}"#,
        "exhausted",
    ),
    (
        "OpenAI: ChatGPT's Codex backend",
        429,
        r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus","resets_in_seconds":5000}}"#,
        "exhausted",
    ),
    (
        "Anthropic: credit balance",
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}"#,
        "exhausted",
    ),
    (
        "Anthropic: workspace limits",
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-02-01 at 00:00 UTC."}}"#,
        "exhausted",
    ),
    (
        "Gemini: billing",
        429,
        r#"{"error":{"code":429,"message":"Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.","status":"RESOURCE_EXHAUSTED"}}"#,
        "exhausted",
    ),
    (
        "DeepSeek: error codes",
        402,
        r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#,
        "exhausted",
    ),
    (
        "OpenRouter: continuedev/continue#11154",
        402,
        r#"{"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 4096 tokens, but can only afford 222.","code":402}}"#,
        "exhausted",
    ),
    (
        "OpenRouter: under a 200",
        200,
        r#"{"error":{"message":"Insufficient credits. Add more using https://openrouter.ai/credits","code":402}}"#,
        "exhausted",
    ),
    (
        "xAI: continuedev/continue#10373",
        429,
        r#"{"code":"Some resource has been exhausted","error":"Your team t has either used all available credits or reached its monthly spending limit. To continue making API requests, please purchase more credits or raise your spending limit."}"#,
        "exhausted",
    ),
    (
        "xAI: continuedev/continue#12670",
        403,
        r#"{"code":"The caller does not have permission to execute the specified operation","error":"Your newly created team doesn't have any credits or licenses yet. You can purchase those on https://console.x.ai."}"#,
        "exhausted",
    ),
    (
        "xAI: Wei-Shaw/sub2api#4069",
        403,
        r#"{"code":"x","error":"You have run out of credits or need a Grok subscription."}"#,
        "exhausted",
    ),
    (
        "Fireworks: pollinations/pollinations#12136",
        412,
        r#"{"error":{"message":"Account a is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices. Please go to https://fireworks.ai/account/billing for more information.","param":null,"code":"PRECONDITION_FAILED","type":"error"},"request_id":"1"}"#,
        "exhausted",
    ),
    (
        "Together: error codes",
        402,
        r#"{"error":{"message":"Credit limit exceeded, please navigate to https://api.together.xyz/settings/billing to add credit to your account.","type":"credit_limit"}}"#,
        "exhausted",
    ),
    (
        "Moonshot: error codes",
        429,
        r#"{"error":{"type":"exceeded_current_quota_error","message":"Your account is suspended due to insufficient balance, please recharge your account"}}"#,
        "exhausted",
    ),
    (
        "Kimi Code: error reference",
        403,
        r#"{"error":{"message":"You've reached your usage limit for this billing cycle","type":"access_terminated_error"}}"#,
        "exhausted",
    ),
    (
        "Zhipu: api-code",
        429,
        r#"{"error":{"code":"1113","message":"您的账户已欠费，请充值后重试。"}}"#,
        "exhausted",
    ),
    (
        "Zhipu: api-code, another wording",
        429,
        r#"{"error":{"code":"1113","message":"余额不足或无可用资源包,请充值。"}}"#,
        "exhausted",
    ),
    (
        "Zhipu: coding plan",
        429,
        r#"{"error":{"code":"1308","message":"Usage limit reached for 5 hour. Your limit will reset at 2025-10-03 08:23:14"}}"#,
        "exhausted",
    ),
    (
        "MiniMax: errorcode, under a 200",
        200,
        r#"{"id":"1","choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#,
        "exhausted",
    ),
    (
        "MiniMax: chat completions",
        429,
        r#"{"type":"error","error":{"type":"insufficient_balance_error","message":"insufficient balance (1008)","http_code":"429"},"request_id":"1"}"#,
        "exhausted",
    ),
    (
        "DashScope: error messages",
        400,
        r#"{"code":"Arrearage","message":"Access denied, please make sure your account is in good standing.","request_id":"r"}"#,
        "exhausted",
    ),
    (
        "DashScope: OpenAI compatible",
        400,
        r#"{"error":{"message":"Access denied, please make sure your account is in good standing. For details, see: https://help.aliyun.com","type":"Arrearage","param":null,"code":"Arrearage"},"id":"1"}"#,
        "exhausted",
    ),
    (
        "DashScope: free tier",
        403,
        r#"{"error":{"message":"The free tier of the model has been exhausted. If you wish to continue access the model on a paid basis, please disable the \"use free tier only\" mode in the management console.","type":"AllocationQuota.FreeTierOnly","code":"AllocationQuota.FreeTierOnly"}}"#,
        "exhausted",
    ),
    (
        "LiteLLM proxy: budgets",
        400,
        r#"{"error":{"message":"Budget has been exceeded! Current cost: 28.0, Max budget: 25.0","type":"budget_exceeded","param":null,"code":"400"}}"#,
        "exhausted",
    ),
    (
        "new-api: popjane/free_chatgpt_api#26",
        403,
        r#"{"error":{"message":"user quota is not enough (request id: 1)","type":"v_api_error","param":"","code":"insufficient_user_quota"}}"#,
        "exhausted",
    ),
    (
        "new-api: Chinese",
        403,
        r#"{"error":{"message":"用户额度不足, 剩余额度: ＄0.000000","type":"new_api_error","param":"","code":""}}"#,
        "exhausted",
    ),
    (
        "a 500 with an empty account",
        500,
        r#"{"error":{"message":"insufficient balance","type":"api_error"}}"#,
        "exhausted",
    ),
    (
        "Hugging Face: inference providers",
        402,
        r#"{"error":"You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits."}"#,
        "exhausted",
    ),
    (
        "Vercel AI Gateway",
        402,
        r#"{"error":{"message":"Insufficient funds. Please add credits to your account to continue using AI services.","type":"insufficient_funds"}}"#,
        "exhausted",
    ),
    (
        "OpenRouter: limits of a key",
        403,
        r#"{"error":{"message":"Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys","code":403}}"#,
        "exhausted",
    ),
    (
        "Cohere: trial keys",
        429,
        r#"{"message":"You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial key for free or upgrade to a Production key."}"#,
        "exhausted",
    ),
    (
        "one-api: tokens",
        403,
        r#"{"error":{"message":"该令牌额度已用尽","type":"one_api_error"}}"#,
        "exhausted",
    ),
    ("a reseller", 429, r#"{"error":{"message":"Insufficient account balance"}}"#, "exhausted"),
    (
        "a reseller",
        403,
        r#"{"error":{"message":"Your balance is insufficient, please top up"}}"#,
        "exhausted",
    ),
    ("a reseller, as a 500", 500, r#"{"error":{"message":"账户余额不足"}}"#, "exhausted"),
    (
        "Gemini: Vertex AI",
        403,
        r#"{"error":{"code":403,"message":"This API method requires billing to be enabled.","status":"PERMISSION_DENIED","details":[{"reason":"BILLING_DISABLED"}]}}"#,
        "exhausted",
    ),
];

const TOO_FAST: &[Wording] = &[
    (
        "OpenAI: error codes",
        429,
        r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Used 22000, Requested 9000. Please try again in 1.2s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
        "rate_limited",
    ),
    (
        "OpenAI: too large for the limit",
        429,
        r#"{"error":{"message":"Request too large for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Requested 40000.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
        "rate_limited",
    ),
    (
        "Azure: OpenAI service",
        429,
        r#"{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-02-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 9 seconds."}}"#,
        "rate_limited",
    ),
    (
        "Azure: API Management",
        429,
        r#"{"statusCode":429,"message":"Rate limit is exceeded. Try again in 9 seconds."}"#,
        "rate_limited",
    ),
    (
        "Anthropic: API errors",
        429,
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 40,000 input tokens per minute."}}"#,
        "rate_limited",
    ),
    (
        "Gemini: googleapis/python-genai#2114",
        429,
        r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. Please retry in 58.934310785s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"58s"}]}}"#,
        "rate_limited",
    ),
    (
        "Gemini: OpenAI compatible, in an array",
        429,
        r#"[{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}]"#,
        "rate_limited",
    ),
    (
        "Groq: error codes",
        413,
        r#"{"error":{"message":"Request too large for model `m` in organization `o` service tier `on_demand` on tokens per minute (TPM): Limit 8000, Requested 20449, please reduce your message size and try again.","type":"tokens","code":"rate_limit_exceeded"}}"#,
        "rate_limited",
    ),
    (
        "Groq: without its code",
        413,
        r#"{"error":{"message":"Request too large for model `m` on tokens per minute (TPM): Limit 8000, Requested 20449","type":"tokens"}}"#,
        "rate_limited",
    ),
    (
        "Mistral: raycast/extensions#31107",
        429,
        r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300","raw_status_code":429}"#,
        "rate_limited",
    ),
    (
        "OpenRouter: a free model, wrapped",
        429,
        r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"m:free is temporarily rate-limited upstream. Please retry shortly.","provider_name":"Chutes"}}}"#,
        "rate_limited",
    ),
    (
        "OpenRouter: under a 200",
        200,
        r#"{"error":{"message":"Rate limit exceeded: free-models-per-min.","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"20","X-RateLimit-Reset":"1741305600000"}}}}"#,
        "rate_limited",
    ),
    (
        "Moonshot: error codes",
        429,
        r#"{"error":{"message":"Your account reached max organization concurrency: 1, please try again after 1 seconds","type":"rate_limit_reached_error"}}"#,
        "rate_limited",
    ),
    (
        "Zhipu: api-code",
        429,
        r#"{"error":{"code":"1302","message":"您当前使用该API的并发数过高，请降低并发，或联系客服增加限额。"}}"#,
        "rate_limited",
    ),
    (
        "MiniMax: errorcode, under a 200",
        200,
        r#"{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#,
        "rate_limited",
    ),
    (
        "DashScope: error messages",
        429,
        r#"{"code":"Throttling.RateQuota","message":"Requests rate limit exceeded, please try again later.","request_id":"r"}"#,
        "rate_limited",
    ),
    (
        "DashScope: tokens",
        429,
        r#"{"code":"Throttling.AllocationQuota","message":"Allocated quota exceeded, please increase your quota limit.","request_id":"r"}"#,
        "rate_limited",
    ),
    (
        "Bedrock: ThrottlingException",
        429,
        r#"{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Too many tokens, please wait before trying again."}"#,
        "rate_limited",
    ),
    (
        "Bedrock: as a 400",
        400,
        r#"{"__type":"ThrottlingException","message":"Too many requests, please wait before trying again."}"#,
        "rate_limited",
    ),
    (
        "LiteLLM proxy: cooldowns",
        429,
        r#"{"error":{"message":"No deployments available for selected model, Try again in 5 seconds. Passed model=m.","type":"None","param":"None","code":"429"}}"#,
        "rate_limited",
    ),
    (
        "LiteLLM proxy: a wrapped 500",
        500,
        r#"{"error":{"message":"litellm.RateLimitError: AnthropicException - slow down","type":null,"param":null,"code":"500"}}"#,
        "rate_limited",
    ),
    (
        "Cohere: errors",
        429,
        r#"{"message":"You are using a Trial key, which is limited to 10 API calls / minute."}"#,
        "rate_limited",
    ),
    (
        "nginx: a page",
        429,
        "<html><head><title>429 Too Many Requests</title></head></html>",
        "rate_limited",
    ),
    (
        "Gemini: google-gemini/gemini-cli#10925",
        429,
        r#"{"error":{"code":429,"message":"Quota exceeded for quota metric requests and limit requests per minute","status":"RESOURCE_EXHAUSTED","errors":[{"reason":"rateLimitExceeded"}]}}"#,
        "rate_limited",
    ),
    (
        "a server of one's own",
        403,
        r#"{"error":{"message":"Too many concurrent requests"}}"#,
        "rate_limited",
    ),
];

const NO_ENTRY: &[Wording] = &[
    (
        "Anthropic: long context",
        400,
        r#"{"type": "error", "error": {"type": "invalid_request_error", "message": "The long context beta is not yet available for this subscription."}}"#,
        "restricted",
    ),
    (
        "OpenAI: API reference",
        401,
        r#"{"error":{"message":"Incorrect API key provided: sk-***. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
        "refused",
    ),
    (
        "Azure: OpenAI service",
        401,
        r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}"#,
        "refused",
    ),
    (
        "Anthropic: a disabled organization",
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}"#,
        "refused",
    ),
    (
        "Gemini: OpenAI compatible, in an array",
        400,
        r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#,
        "refused",
    ),
    (
        "Gemini: native",
        400,
        r#"{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}"#,
        "refused",
    ),
    (
        "Gemini: a wrong key, by its reason alone",
        400,
        r#"{"error":{"code":400,"message":"Bad.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
        "refused",
    ),
    (
        "xAI: a wrong key",
        400,
        r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***ey. You can obtain an API key from https://console.x.ai."}"#,
        "refused",
    ),
    (
        "DeepSeek: error codes",
        401,
        r#"{"error":{"message":"Authentication Fails, Your api key: ****1234 is invalid","type":"authentication_error","param":null,"code":"invalid_request_error"}}"#,
        "refused",
    ),
    (
        "Groq: a restricted organization",
        400,
        r#"{"error":{"message":"Organization has been restricted. Please reach out to support if you believe this was in error.","type":"invalid_request_error","code":"organization_restricted"}}"#,
        "refused",
    ),
    (
        "MiniMax: errorcode, under a 200",
        200,
        r#"{"base_resp":{"status_code":1004,"status_msg":"login fail: Please carry the API secret key in the 'Authorization' field of the request header"}}"#,
        "refused",
    ),
    (
        "DashScope: error messages",
        401,
        r#"{"code":"InvalidApiKey","message":"Invalid API-key provided.","request_id":"r"}"#,
        "refused",
    ),
    (
        "Bedrock: API errors",
        403,
        r#"{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}"#,
        "refused",
    ),
    (
        "new-api: tokens",
        401,
        r#"{"error":{"code":"","message":"无效的令牌 (request id: 1)","type":"new_api_error"}}"#,
        "refused",
    ),
    (
        "Zhipu: api-code",
        429,
        r#"{"error":{"code":"1112","message":"Your account has been locked, please contact customer service to unlock"}}"#,
        "refused",
    ),
    (
        "OpenAI: supported countries",
        403,
        r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}"#,
        "restricted",
    ),
    (
        "OpenAI: verified organizations",
        400,
        r#"{"error":{"message":"Your organization must be verified to stream this model. Please go to: https://platform.openai.com/settings/organization/general","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}"#,
        "restricted",
    ),
    (
        "Gemini: google-gemini/gemini-cli#24641",
        400,
        r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#,
        "restricted",
    ),
    (
        "OpenRouter: Gemini behind it, OpenRouterTeam/ai-sdk-provider#187",
        400,
        r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\n  \"error\": {\n    \"code\": 400,\n    \"message\": \"User location is not supported for the API use.\",\n    \"status\": \"FAILED_PRECONDITION\"\n  }\n}\n","provider_name":"Google AI Studio"}}}"#,
        "restricted",
    ),
    (
        "OpenRouter: privacy settings",
        404,
        r#"{"error":{"message":"No endpoints found matching your data policy. Enable prompt training here: https://openrouter.ai/settings/privacy","code":404}}"#,
        "restricted",
    ),
    (
        "OpenRouter: truefoundry/models#826",
        404,
        r#"{"error":{"message":"No endpoints available matching your guardrail restrictions and data policy. Configure: https://openrouter.ai/settings/privacy","code":404}}"#,
        "restricted",
    ),
    (
        "Bedrock: Anthropic's models",
        400,
        r#"{"message":"Access to Anthropic models is not allowed from unsupported countries, regions, or territories."}"#,
        "restricted",
    ),
    (
        "Bedrock: use case",
        404,
        r#"{"message":"Model use case details have not been submitted for this account. Fill out the Anthropic use case details form before using the model."}"#,
        "restricted",
    ),
    ("RFC 7725", 451, "", "restricted"),
    (
        "Cloudflare: a blocked request",
        403,
        "<!DOCTYPE html><html><title>Attention Required! | Cloudflare</title></html>",
        "proxy",
    ),
    (
        "Cloudflare: a bad request",
        400,
        "<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body><center>cloudflare</center></body></html>",
        "proxy",
    ),
    (
        "nginx: client_max_body_size",
        413,
        "<html>\r\n<head><title>413 Request Entity Too Large</title></head>",
        "proxy",
    ),
    ("a company's proxy", 407, "", "proxy"),
    ("nginx: a wrong base URL", 404, "<html>\n<head><title>404 Not Found</title></head>", "proxy"),
    (
        "Anthropic: subscription credentials",
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"This credential is only authorized for use with Claude Code and cannot be used for other API requests."}}"#,
        "refused",
    ),
    (
        "Bedrock: new accounts",
        400,
        r#"{"__type":"ValidationException","message":"Operation not allowed"}"#,
        "restricted",
    ),
    ("a proxy", 400, r#"{"error":{"message":"Missing API key"}}"#, "refused"),
    ("Zhipu: api-code", 400, r#"{"error":{"code":"1000","message":"身份验证失败。"}}"#, "refused"),
];

const TOO_BUSY: &[Wording] = &[
    (
        "Anthropic: API errors",
        529,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        "overloaded",
    ),
    (
        "Anthropic: in a stream",
        200,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        "overloaded",
    ),
    (
        "Groq: flex processing",
        498,
        r#"{"error":{"message":"Flex tier capacity exceeded","type":"invalid_request_error","code":"capacity_exceeded"}}"#,
        "overloaded",
    ),
    (
        "Bedrock: ModelErrorException",
        424,
        r#"{"__type":"ModelErrorException","message":"The request failed due to an error while processing the model."}"#,
        "overloaded",
    ),
    (
        "Bedrock: ModelTimeoutException",
        408,
        r#"{"__type":"ModelTimeoutException","message":"The request took too long to process."}"#,
        "overloaded",
    ),
    (
        "DashScope: error messages",
        408,
        r#"{"code":"RequestTimeOut","message":"Request timed out, please try again later.","request_id":"r"}"#,
        "overloaded",
    ),
    (
        "Azure: OpenAI service",
        409,
        r#"{"error":{"code":"Conflict","message":"The operation conflicts with another one under way."}}"#,
        "overloaded",
    ),
    (
        "Gemini: API errors",
        503,
        r#"{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}"#,
        "overloaded",
    ),
    (
        "llama.cpp: tools/server",
        503,
        r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#,
        "overloaded",
    ),
    (
        "a 400 with words of overload",
        400,
        r#"{"error":{"message":"The model is overloaded, please try again","type":"invalid_request_error"}}"#,
        "overloaded",
    ),
    (
        "OpenAI: openai/codex#37795",
        400,
        r#"{"error":{"message":"Selected model is at capacity. Please try a different model.","type":"invalid_request_error"}}"#,
        "overloaded",
    ),
    (
        "Moonshot: error codes",
        429,
        r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"engine_overloaded_error"}}"#,
        "rate_limited",
    ),
    (
        "OpenAI: error codes",
        500,
        r#"{"error":{"message":"The server had an error while processing your request. Sorry about that!","type":"server_error","param":null,"code":null}}"#,
        "unavailable",
    ),
    (
        "nginx: bad gateway",
        502,
        "<html><head><title>502 Bad Gateway</title></head></html>",
        "unavailable",
    ),
    ("Cloudflare: web server is down", 521, "error code: 521", "broken"),
    (
        "vLLM: an error in place of an answer",
        200,
        r#"{"object":"error","message":"EngineCore encountered an issue.","type":"InternalServerError","param":null,"code":500}"#,
        "unavailable",
    ),
    ("an unknown error under a 200", 200, r#"{"error":{"message":"Oops","code":"odd"}}"#, "broken"),
    (
        "LM Studio: a crash",
        400,
        r#"{"error":"The model has crashed without additional information. (Exit code: 18446744072635812000)"}"#,
        "overloaded",
    ),
    (
        "LiteLLM proxy",
        503,
        r#"{"error":{"message":"There are no healthy deployments for this model.","code":"503"}}"#,
        "overloaded",
    ),
    (
        "new-api",
        503,
        r#"{"error":{"message":"当前分组上游负载已饱和，请稍后再试","type":"new_api_error"}}"#,
        "overloaded",
    ),
];

const CLIENTS_OWN: &[Wording] = &[
    (
        "OpenAI: tool_choice",
        400,
        r#"{"error": {"message": "Tool choice 'recharge_phone' not found in 'tools' parameter.", "type": "invalid_request_error", "code": "invalid_request_error"}}"#,
        "client_error",
    ),
    (
        "OpenAI: tool_choice",
        400,
        r#"{"error": {"message": "Tool choice 'throttle_set' not found in 'tools' parameter.", "type": "invalid_request_error", "code": null}}"#,
        "client_error",
    ),
    (
        "OpenAI: tool schemas",
        400,
        r#"{"error": {"message": "Invalid schema for function 'recharge_phone': In context=(), 'required' is required.", "type": "invalid_request_error", "code": null}}"#,
        "client_error",
    ),
    (
        "Gemini: function declarations",
        400,
        r#"{"error": {"code": 400, "message": "Duplicate function declaration found: recharge_card", "status": "INVALID_ARGUMENT"}}"#,
        "client_error",
    ),
    (
        "various: tool results",
        400,
        r#"{"error": {"message": "messages with role tool must follow 'overdue_payments' call payment", "type": "invalid_request_error", "code": null}}"#,
        "client_error",
    ),
    (
        "various: enumerations",
        422,
        r#"{"error": {"message": "Invalid enum value 'spending limit' in tools[0]", "type": "invalid_request_error", "code": null}}"#,
        "client_error",
    ),
    (
        "various: OpenAI-compatible servers",
        400,
        r#"{"error": {"message": "Tool 'model_lookup' not found in tools", "type": "invalid_request_error", "code": null}}"#,
        "client_error",
    ),
    (
        "various: an identifier without quotes",
        400,
        r#"{"error": {"message": "Unknown argument rate_limit exceeded_quota in call of recharge_card", "type": "invalid_request_error", "code": null}}"#,
        "client_error",
    ),
    (
        "OpenAI: API reference",
        400,
        r#"{"error":{"message":"Invalid type for 'messages': expected an array of objects, but got a string instead.","type":"invalid_request_error","param":"messages","code":"invalid_type"}}"#,
        "client_error",
    ),
    (
        "OpenAI: community",
        400,
        r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#,
        "client_error",
    ),
    (
        "OpenAI: community",
        400,
        r#"{"error":{"message":"max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.","type":"invalid_request_error","param":"max_tokens","code":"invalid_value"}}"#,
        "client_error",
    ),
    (
        "OpenAI: community",
        400,
        r#"{"error":{"message":"Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}"#,
        "client_error",
    ),
    (
        "OpenAI: BerriAI/litellm",
        400,
        r#"{"error":{"message":"Invalid 'user': string too long. Expected a string with maximum length 64, but got a string with length 80 instead.","type":"invalid_request_error","param":"user","code":"string_above_max_length"}}"#,
        "client_error",
    ),
    (
        "OpenAI: tools",
        400,
        r#"{"error":{"message":"Invalid schema for function 'lookup': In context=(), 'required' is required to be supplied and to be an array including every key in properties.","type":"invalid_request_error","param":"tools[0].function.parameters","code":"invalid_function_parameters"}}"#,
        "client_error",
    ),
    (
        "OpenAI: tools",
        400,
        r#"{"error":{"message":"An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: call_1","type":"invalid_request_error","param":"messages.[2].role","code":null}}"#,
        "client_error",
    ),
    (
        "OpenAI: Responses API",
        400,
        r#"{"error":{"message":"Previous response with id 'resp_1' not found.","type":"invalid_request_error","param":"previous_response_id","code":"previous_response_not_found"}}"#,
        "client_error",
    ),
    (
        "OpenAI: usage policies",
        400,
        r#"{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy.","type":"invalid_request_error","param":null,"code":"invalid_prompt"}}"#,
        "client_error",
    ),
    (
        "OpenAI: images",
        400,
        r#"{"error":{"message":"Your request was rejected as a result of our safety system.","type":"invalid_request_error","param":null,"code":"content_policy_violation"}}"#,
        "client_error",
    ),
    (
        "Azure: content filtering",
        400,
        r#"{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true,"severity":"high"}}}}}"#,
        "client_error",
    ),
    (
        "Anthropic: API errors",
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages: roles must alternate between \"user\" and \"assistant\", but found multiple \"user\" roles in a row"}}"#,
        "client_error",
    ),
    (
        "Anthropic: models",
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-haiku-20241022"}}"#,
        "client_error",
    ),
    (
        "Anthropic: OpenAI compatible",
        400,
        r#"{"error":{"code":"invalid_request_error","message":"temperature: range: 0..1","type":"invalid_request_error","param":null}}"#,
        "client_error",
    ),
    (
        "Gemini: API errors",
        400,
        r#"{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"foo\": Cannot find field.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"description":"Invalid JSON payload received."}]}]}}"#,
        "client_error",
    ),
    (
        "Gemini: thought signatures",
        400,
        r#"[{"error":{"code":400,"message":"Function call is missing a thought_signature in functionCall parts.","status":"INVALID_ARGUMENT"}}]"#,
        "client_error",
    ),
    (
        "DeepSeek: error codes",
        400,
        r#"{"error":{"message":"Invalid max_tokens value, the valid range of max_tokens is [1, 8192]","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#,
        "client_error",
    ),
    (
        "DeepSeek: error codes",
        422,
        r#"{"error":{"message":"Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant `developer`","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}"#,
        "client_error",
    ),
    (
        "Groq: max_tokens",
        400,
        r#"{"error":{"message":"`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model","type":"invalid_request_error"}}"#,
        "client_error",
    ),
    (
        "Groq: reasoning",
        400,
        r#"{"error":{"message":"'messages.1' : property 'reasoning_content' is unsupported","type":"invalid_request_error"}}"#,
        "client_error",
    ),
    (
        "Groq: tools",
        400,
        r#"{"error":{"message":"Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"insufficient balance"}}"#,
        "client_error",
    ),
    (
        "Mistral: Gitlawb/openclaude#739",
        422,
        r#"{"detail":[{"type":"extra_forbidden","loc":["body","store"],"msg":"Extra inputs are not permitted","input":false}]}"#,
        "client_error",
    ),
    (
        "vLLM: an echo of the prompt",
        400,
        r#"{"detail":[{"type":"string_type","loc":["body","messages",0,"content"],"msg":"Input should be a valid string","input":{"a":"Why is my credit balance is too low? Model not found, overloaded"}}]}"#,
        "client_error",
    ),
    (
        "OpenRouter: moderation",
        403,
        r#"{"error":{"message":"m requires moderation on A. Your input was flagged for \"violence\". No credits were charged.","code":403,"metadata":{"reasons":["violence"],"flagged_input":"..."}}}"#,
        "client_error",
    ),
    (
        "OpenRouter: API errors",
        400,
        r#"{"error":{"message":"Input required: specify \"prompt\" or \"messages\"","code":400}}"#,
        "client_error",
    ),
    (
        "xAI: reasoning models",
        400,
        r#"{"code":"Client specified an invalid argument","error":"Model grok-4 does not support parameter presencePenalty."}"#,
        "client_error",
    ),
    (
        "Together: errors",
        400,
        r#"{"error":{"message":"Invalid value for 'top_p'","type":"invalid_request_error","param":"top_p","code":null}}"#,
        "client_error",
    ),
    (
        "Cohere: errors",
        400,
        r#"{"message":"invalid request: all elements in messages must have a role"}"#,
        "client_error",
    ),
    (
        "Moonshot: error codes",
        400,
        r#"{"error":{"message":"The request was rejected because it was considered high risk","type":"content_filter"}}"#,
        "client_error",
    ),
    (
        "Zhipu: api-code",
        400,
        r#"{"error":{"code":"1210","message":"API 调用参数有误，请检查文档。"}}"#,
        "client_error",
    ),
    (
        "Zhipu: sensitive content",
        400,
        r#"{"contentFilter":[{"level":1,"role":"user"}],"error":{"code":"1301","message":"系统检测到输入或生成内容可能包含不安全或敏感内容"}}"#,
        "client_error",
    ),
    (
        "DashScope: error messages",
        400,
        r#"{"error":{"code":"data_inspection_failed","param":null,"message":"Input data may contain inappropriate content.","type":"data_inspection_failed"},"id":"1"}"#,
        "client_error",
    ),
    (
        "DashScope: error messages",
        400,
        r#"{"code":"InvalidParameter","message":"Range of max_tokens should be [1, 8192]","request_id":"r"}"#,
        "client_error",
    ),
    (
        "Bedrock: ValidationException",
        400,
        r#"{"__type":"ValidationException","message":"The maximum tokens you requested exceeds the model limit of 4096. Try again with a maximum tokens value that is lower than 4096."}"#,
        "client_error",
    ),
    (
        "llama.cpp: chat templates",
        400,
        r#"{"error":{"code":400,"message":"System message must be at the beginning.","type":"invalid_request_error"}}"#,
        "client_error",
    ),
    (
        "Ollama: OpenAI compatible",
        400,
        r#"{"error":{"message":"registry.ollama.ai/library/gemma:latest does not support tools","type":"api_error","param":null,"code":null}}"#,
        "client_error",
    ),
    (
        "LiteLLM proxy",
        400,
        r#"{"error":{"message":"litellm.UnsupportedParamsError: openai does not support parameters: ['foo'], for model=m.","type":"None","param":null,"code":"400"}}"#,
        "client_error",
    ),
    ("RFC 9110", 405, r#"{"detail":"Method Not Allowed"}"#, "client_error"),
    ("RFC 9110", 415, "", "client_error"),
    ("RFC 9110", 400, "", "client_error"),
    (
        "xAI: usage guidelines",
        403,
        r#"{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines."}"#,
        "client_error",
    ),
    (
        "OpenAI: no model",
        400,
        r#"{"error":{"message":"you must provide a model parameter","type":"invalid_request_error"}}"#,
        "client_error",
    ),
    (
        "vLLM: pydantic quotes the prompt",
        400,
        r#"{"object":"error","message":"[{'type': 'string_type', 'loc': ('body', 'messages', 0, 'content'), 'msg': 'Input should be a valid string', 'input': {'a': 'insufficient balance, rate limit, model not found'}}]","type":"BadRequestError","param":null,"code":400}"#,
        "client_error",
    ),
    (
        "LiteLLM: pydantic quotes the prompt",
        400,
        r#"{"error":{"message":"1 validation error for Request\nmessages\n  Input should be a valid list [type=list_type, input_value='my API key is invalid', input_type=str]"}}"#,
        "client_error",
    ),
    (
        "OpenAI: a quoted value",
        400,
        r#"{"error":{"message":"Invalid value: 'insufficient balance'. Supported values are: 'low', 'high'.","code":"invalid_value"}}"#,
        "client_error",
    ),
    (
        "Gemini: a quoted value",
        400,
        r#"{"error":{"code":400,"message":"Invalid value at 'contents' (type.googleapis.com/Content), \"rate limit\"","status":"INVALID_ARGUMENT"}}"#,
        "client_error",
    ),
    (
        "Bedrock: output",
        400,
        r#"{"__type":"ValidationException","message":"max_tokens exceeds the output token limit"}"#,
        "client_error",
    ),
    (
        "Cohere: output",
        400,
        r#"{"message":"invalid request: max_tokens must be less than or equal to 4096 tokens"}"#,
        "client_error",
    ),
    (
        "OpenAI: images",
        400,
        r#"{"error":{"message":"Invalid image data. The image exceeds 20 MB","code":"image_too_large"}}"#,
        "client_error",
    ),
    (
        "a reused idempotency key",
        422,
        r#"{"error":{"message":"Idempotency key was used with another request"}}"#,
        "client_error",
    ),
];

/// What a body says it means, as the observer finds it.
fn meaning(status: u16, body: &str) -> ResponseClass {
    let error = UpstreamError::read(body.as_bytes());
    match status {
        200 => ErrorRules::default().classify(error.status_inside(), &error),
        status => ErrorRules::default().classify(StatusCode::from_u16(status).ok(), &error),
    }
}

fn all() -> impl Iterator<Item = &'static Wording> {
    let tables = [TOO_LONG, NO_MODEL, NO_MONEY, TOO_FAST, NO_ENTRY, TOO_BUSY, CLIENTS_OWN];
    tables.into_iter().flatten()
}

#[test]
fn every_wording_means_what_it_says() {
    let mut wrong = Vec::new();
    for (source, status, body, expected) in all() {
        let found = meaning(*status, body).as_str();
        if found != *expected {
            wrong.push(format!("{source}: {status} {body}\n  {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(all().count() > 200 && CLIENTS_OWN.len() >= 35, "{}", all().count());
}

/// A provider that writes in capitals, or an envelope around its JSON, says the same.
#[test]
fn neither_case_nor_an_array_changes_the_meaning() {
    for (source, status, body, _) in all().filter(|(_, _, body, _)| body.starts_with('{')) {
        let expected = meaning(*status, body);
        assert_eq!(meaning(*status, &format!("[{body}]")), expected, "{source}");
        let mut error = UpstreamError::read(body.as_bytes());
        let texts = [&mut error.code, &mut error.kind, &mut error.message];
        for text in texts.into_iter().flatten().chain(&mut error.labels) {
            *text = text.to_ascii_uppercase().into();
        }
        let status = match *status {
            200 => error.status_inside(),
            status => StatusCode::from_u16(status).ok(),
        };
        assert_eq!(ErrorRules::default().classify(status, &error), expected, "{source}");
    }
}
