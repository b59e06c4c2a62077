"""Words of servers and gateways when they turn a request away."""

from __future__ import annotations

import re

MESSAGES = (
    "message",
    "msg",
    "detail",
    "status_msg",
    "error_message",
    "errorMessage",
    "reason",
    "note",
    "Message",
)
"""Fields in which a server says what is wrong."""

SPENT = re.compile(
    r"insufficient[_ ](quota|balance|credit|fund)|billing_(hard_limit|not_active)|credit balance|"
    r"\bbudget\w*\b.{0,60}\b(exceed|exhaust|reached|spent|over)|budget_?exceeded|"
    r"exceed\w*.{0,60}\b(budget|quota|credits|spend\w* limit)|payment required|spend\w* (limit|cap)|"
    r"(quota|credits?|balance|allowance)\b.{0,30}(exceeded|exhausted|depleted|used up|too low|run out)|"
    r"(out of|not enough|no more|no remaining|n[o']t have any)( call volume)? (quota|credits?|funds|balance)|"
    r"balance is insufficient|exceeded_current_quota|\u4f59\u989d\u4e0d\u8db3|\u6b20\u8d39|"
    r"\bkey limit exceeded|reached\b.{0,40}\busage limits?|"
    r"\barrear|account is in good standing|"
    r"(daily|monthly|weekly)[ _-](quota|limit|budget|allowance)",
    re.I,
)
"""The money, or the allowance of a day, is used up: no waiting cures it."""

DAILY = re.compile(r"(\bper[ _-]|/ ?)(day|month)\b", re.I)
"""The same in words that appear only with a 429."""

SOON = re.compile(
    r"(per[ _-]?|/ ?)(minute|second)|\b[rt]p[ms]\b|(try again|retry) in \d+(\.\d+)? ?m?s\b", re.I
)
"""Words for limits that a short wait cures."""

QUOTA_ID = re.compile(r'"quotaId": ?"\w*?Per(Day|Minute|Hour)', re.I)
"""Google's name of a limit. Its words promise a short wait for that of a day too."""

LOADS = re.compile(
    r"\b(re)?load(ing|s)\b.{0,40}\b(model|weights)|still loading|warming up|starting up|cold start|"
    r"\bmodels?\b.{0,80}\b(loading|warming|starting|initiali[sz]ing|not (yet )?(ready|loaded))",
    re.I | re.S,
)
"""The server is still loading the model."""

NO_SUCH_MODEL = re.compile(
    r"(invalid|unknown|unrecogni[sz]ed|no such|unsupported|unavailable|unable to access) model\b|"
    r"not a valid model|no endpoints found for|no models? (is |are )?loaded|LLM provider not provided|"
    r"模型不存在|model identifier is invalid|"
    r"\bmodels?\b.{0,80}\b(not found|does ?n[o']t exist|not exist|is not (a )?valid|is not available|"
    r"decommissioned|is not supported by any|"
    r"could not be found)|does not work with the specified model|on-demand throughput is ?n.t supported",
    re.I,
)

FILTERED = re.compile(
    r"content[_ -]?filter|content management policy|content[_ ]?policy[_ ]?violation|ResponsibleAIPolicy|"
    r"usage polic|block_?reason|"
    r"(prompt|input|response|content|output)\b.{0,40}\b(was|were|been|is|got) (blocked|flagged)|"
    r"(blocked|flagged|rejected)\b.{0,40}\b(safety|moderation|guardrail|polic)|"
    r"safety (filter|system|setting)|guardrail|data_?inspection_?failed|inappropriate content|"
    r"content exists risk|contentFilter|敏感内容|sensitive[ _]?(content|information)|new_sensitive|"
    r"violates usage guidelines|failed check: safety",
    re.I,
)
"""A content filter withheld the prompt or the response, natively or wrapped by a gateway."""

JUDGED = re.compile(r"violates usage guidelines|failed check: safety", re.I)
"""Of these words, those that no firewall says of a request."""

THROTTLED = re.compile(
    r"throttl|\brate exceeded|rate ?limit\w* (is |was )?(exceeded|reached)|\bratelimiterror", re.I
)
"""Too many calls, whatever the status."""

WAIT = re.compile(
    r"\b(?:try again|retry|wait)(?: \w+){0,2} "
    r"((?:\d+(?:\.\d+)? ?(?:(?:millisecond|second|minute|hour)s?|ms|h|m|s))+)(?!\w)",
    re.I,
)
"""The wait that a server asks for in words."""

RETRY_DELAY = re.compile(r'"retryDelay": ?"([\d.]+s)"')
"""The same as a field of Google's errors."""

TOO_LARGE = re.compile(r"request too large|tokens must be reduced|reduce your message size", re.I)
"""This request alone passes a limit, and would again after any wait."""

CUT_OFF = re.compile(r"max_tokens or model output limit was reached", re.I)
"""The answer met the token cap, said with the status of a refusal."""

URL_LACKS = re.compile(r"missing required query parameter|api-version.{0,40}\b(missing|required)", re.I)
"""The address wants a query, which a base URL does not have."""

NO_SUCH_PATH = re.compile(
    r"unexpected endpoint|no such (endpoint|route|path)|(unknown|invalid) (route|path)", re.I
)
"""Said with status 200 by servers that have no chat completions under this address."""

MODEL_FAILED = re.compile(r'"(failed_generation|tool_use_failed|json_validate_failed|output_parse_failed)"')
"""The request was fine; the model wrote a tool call or JSON that is not valid. Another response may do."""

MODEL_LEFT = re.compile(r"\bmodel (was |has been |has |is )?(unloaded|crashed)\b", re.I)
"""The server has no model loaded any more, and loads it for the next request."""

NO_PICTURES = re.compile(
    r"(image|vision|multimodal|picture)s?( input)?s?\b.{0,20}\bnot support|"
    r"(does ?n[o't]+|not) support (image|vision|multimodal)|support image input",
    re.I,
)
"""The model takes text alone."""

CHAT_TEMPLATE = re.compile(
    r"message role|roles? must|role (is )?not supported|\bjinja\b|chat[ _]template|raise_exception|"
    r"TemplateError",
    re.I,
)
"""The model's chat template refuses these messages, and would again, whatever the status."""

UNSUPPORTED_PARAMETER = re.compile(
    r"unexpected keyword|UnsupportedParams|(unrecogni[sz]ed|unsupported|unknown) .{0,30}"
    r"\b(parameter|argument)s?\b|(does ?n[o']t|not) support.{0,30}\b(parameter|argument)s?\b",
    re.I,
)
"""The server refuses a parameter, which another try would send again, whatever the status."""

NO_MEMORY = re.compile(
    r"requires? more .{0,20}memory|(not enough|insufficient) .{0,20}memory to load|"
    r"\bmodel\b.{0,40}\b(unable|failed) to allocate\b",
    re.I | re.S,
)
"""The model does not fit into the server's memory."""

FIREWALL = re.compile(r"cloudflare|attention required|captcha|web application firewall|firewall rules", re.I)
"""Something in front of the endpoint turns the caller away."""

HTTPS_WANTED = re.compile(r"HTTP request (was sent )?to (an )?HTTPS", re.I)

OFFLINE = re.compile(r"\bendpoint\b.{0,80}\bis offline|ERR_NGROK|web endpoint is stopped", re.I)
"""What a tunnel or a host says for a server that does not run behind it."""

NO_ACCESS = re.compile(
    r"not allowed to access (this )?model|requires terms acceptance|organization (has been|is) restricted|"
    r"organization must be verified",
    re.I,
)
"""A key that may not use this model, whatever the status."""

NO_PROVIDER = re.compile(r"no (endpoints|providers)\b.{0,40}\b(support|handle|match)", re.I)
"""A router knows the model, but nobody there takes such requests."""

REGION = re.compile(r"\b(country|region|territory|location)\b.{0,40}\bnot supported", re.I)

UNSUPPORTED_FORMAT = re.compile(
    r"(response_?format|json_?schema|json_object|structured[ _-]?outputs?|guided[ _](json|decoding)|grammar)"
    r"\b.{0,80}\b(not (yet )?(supported|implemented|available|allowed)|unsupported|un(known|recogni[sz]ed))|"
    r"(unsupported|not supported|does ?n[o']t support|unknown|unrecogni[sz]ed|invalid|fail\w* to "
    r"(parse|compile))\b.{0,60}\b(response_?format|json_?schema|json_object|structured[ _-]?outputs?|"
    r"guided[ _](json|decoding)|grammar)",
    re.I | re.S,
)
"""The server has no such response format, and would not the next time, whatever the status."""

DATA_POLICY = re.compile(r"data policy|privacy settings|guardrail restrictions", re.I)
"""A router's account is set so that no provider is left."""

WRONG_MODEL = frozenset(
    {
        *("model_not_found", "DeploymentNotFound", "invalid_model", "invalid_model_name", "unknown_model"),
        *("unavailable_model", "model_decommissioned", "model_not_supported", "model_not_available"),
    }
)

WRONG_KEY = re.compile(
    r"\bAPI[ _]key\b.*\b(not valid|invalid|incorrect|missing)|(invalid|incorrect)[ _]api[ _]key|"
    r"\bauthentication\b.{0,40}\bexpired[ _]key\b|"
    r"\b(bearer|security|access) token\b.{0,40}\bexpired",
    re.I | re.S,
)
