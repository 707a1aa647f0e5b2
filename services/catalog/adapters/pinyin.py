"""How Chinese is read (拼音), from the dictionary of words of pypinyin: 重庆 is chong qing."""

from __future__ import annotations

from collections.abc import Sequence


def syllables(text: str) -> Sequence[str]:
    """One syllable for each character, without tones; characters without a reading stay as they are."""
    from pypinyin import (
        lazy_pinyin,
    )  # its dictionary takes a while and is wanted only where something is indexed or looked for

    return lazy_pinyin(text, v_to_u=False)
