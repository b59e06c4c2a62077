"""Words as bleu, gleu and meteor count them: NLTK's tokenizers, without a data download.

``nltk.word_tokenize`` first splits sentences with a trained model that has to be downloaded. The same
algorithm with a short list of English abbreviations instead of the trained one gives the same words
except around rarer abbreviations in mid-text. One way on every machine, so that scores can be compared.
"""

from __future__ import annotations

from functools import lru_cache

from nltk.tokenize.destructive import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

_ABBREVIATIONS = """
mr mrs ms dr prof jr sr messrs rev gen col lt sgt capt gov sen rep hon
vs etc inc ltd co corp bros dept approx vol fig ed eds pp
jan feb mar apr jun jul aug sep sept oct nov dec
i.e e.g a.m p.m u.s u.k u.n u.s.a ph.d b.c a.d d.c
"""
ABBREVIATIONS = frozenset(_ABBREVIATIONS.split())
"""Abbreviations that do not end a sentence, lower case, without their last full stop."""


@lru_cache(maxsize=1)
def _tokenizers() -> tuple[PunktSentenceTokenizer, NLTKWordTokenizer]:
    parameters = PunktParameters()
    parameters.abbrev_types = set(ABBREVIATIONS)
    return PunktSentenceTokenizer(parameters), NLTKWordTokenizer()


def words(text: str) -> list[str]:
    """The words and punctuation marks of `text`, in order."""
    sentences, tokenizer = _tokenizers()
    return [word for sentence in sentences.tokenize(text) for word in tokenizer.tokenize(sentence)]
