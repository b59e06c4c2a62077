"""Whether a prompt wants the answer and nothing else: then no sentence around it has to be accepted."""

from __future__ import annotations

import re

_ONLY = re.compile(
    r"(?i)\b(only|just)\b[^.\n]{0,40}\b(answer|reply|respond|output|give|return|number|word|letter|name|result|"
    r"integer|label|option|expression|value|code|yes|no)\b|"
    r"\b(answer|reply|respond|output|give|return|print|write|provide)\b[^.\n]{0,30}"
    r"\b(only|just|nothing but)\b|"
    r"\b(one|a single|single) (word|letter|number|integer|name|label|line|digit|token)\b|"
    r"\b(nothing (?:else|more|besides)|(?:no|any) (?:other|extra|further) (?:text|words?)|"
    r"(?:no|without(?: any)?) (?:explanations?|words|prose|comment(?:s|ary)?|preamble))\b|"
    # A form of numbers: YYYY-MM-DD, HH:MM.
    r"(?-i:\b(?:YYYY|DD|MM|HH|hh|yyyy|dd|mm)[-/:.](?:MM|DD|mm|dd|ss)\b)|"
    r"\b(answer|reply|respond)( with)?:? (['\"]?yes['\"]? or ['\"]?no|['\"]?true['\"]? or ['\"]?false)\b|"
    r"\b(answer|reply|respond|output)( with)?( either)?:? ['\"`]?\w+['\"`]?(, ['\"`]?\w+['\"`]?)*,? or "
    r"['\"`]?\w+['\"`]?\s*(?:[.;:?!\n]|\Z)|"
    r"\b(answer|reply|respond|output)( with)? ['\"`]?\w{1,10}['\"`]? (for|if|when)\b|"
    r"\byour (final )?(output|answer|response) (should|must) (be|follow|contain)\b|"
    r"\b(answer|reply|respond) with (the|an?|one|its|your) ((correct|right|option|option's) )?"
    r"(letter|option|label|word|number|name|digit|integer|date|move)\b(?! and\b)|"
    # "Only the symbol." on its line, "Just SQL." at the end; not "Only two are red.", which a task tells.
    r"(?:\A|[.:;!?\n]\s*)(only|just) (?:(?:the|an?|your|one) (?:(?:final|single|right|correct) )?[\w-]+[.!]?"
    r"(?=[^\S\n]*(?:\n|\Z))|(?:[\w-]+ ){0,2}[\w-]+[.!]?\s*\Z)|"
    # The whole answer is shown, "Answer like 0x1A.", or what its first and its second line are.
    r"\b(?:answer|reply|respond) (?:like|as|in the (?:form|format|style)(?: of)?) ['\"`“(]?\w*\d|"
    r"\bfirst line\b[\s\S]{1,120}\bsecond line\b|"
    r"\bas (?:briefly|short|concisely) as possible\b|\bshort(?:est)? (?:answer|phrase|span)\b|"
    r"\b\w+-separated\b|\bseparated (?:by|with)\b|"
    # "Formula only." at the end of a clause, and the whole reply: "Reply with one command", "as HH:MM".
    r"(?:\A|[.:;,!?\n]\s*)(?:[\w-]+ ){1,3}only\b\s*(?:[.!;\n]|\Z)|"
    r"\b(?:reply|respond|answer) (?:with|as|like|using) (?:exactly |either )?"
    r"(?:(?-i:[A-Z]{2})|[\"'`“]|(?:an?|one|the) )|"
    r"\b(?:say|write|output|print|return) (?:either )?[\"'`“]\w|\bin an? (?:\w+ )?code block\b"
)
_ONLY_ELSEWHERE = re.compile(
    r"(?i)\b(antwort\w*|gib|nenne|schreib\w*|respond\w*|contest\w*|escrib\w*|devuelv\w*|r[ée]pon\w*|donne\w*|"
    r"[ée]cri\w*|rispon\w*|scriv\w*|antwoord\w*|geef|svar\w*|odpowi\w*|ответ\w*|отвеч\w*|cevap\w*|yanıt\w*)\b"
    r"[^.\n]{0,40}\b(nur|lediglich|ausschließlich|s[oó]lo|solamente|únicamente|seulement|uniquement|apenas|"
    r"somente|soltanto|alleen|enkel|bara|endast|tylko|только|лишь|sadece)\b|"
    r"[只仅僅](?:需|要|能|可)?[^。\n]{0,12}[答回输輸写寫给給]|(?:だけ|のみ)[^。\n]{0,12}(?:答|書|出力|回答)|만\s?(?:답|쓰|출력)"
)
"""The same in some other languages."""
_ENGLISH = re.compile(
    r"(?i)\b(?:the|what|which|who|how|when|where|does|did|of|and|your|from|with|give|find|answer|number)\b"
)
_WORD = re.compile(r"[\u0400-\uffff]|[^\W\d_]{2,}")
FEW_WORDS = 4
"""Fewer words, or letters that are not Latin, do not show a prompt's language."""


def wants_only(prompt: str) -> bool:
    """Whether nothing but the answer is wanted; prompts in languages that are not read may say so too."""
    if _ONLY.search(prompt) or _ONLY_ELSEWHERE.search(prompt):
        return True
    return not _ENGLISH.search(prompt) and len(_WORD.findall(prompt)) >= FEW_WORDS
