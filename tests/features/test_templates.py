"""Which rows are one template: ids numbered by first appearance, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features.rows import Rows
from poseid.features.templates import number_templates, templates_of


def rows(entries: list[dict[str, Any]]) -> Rows:
    people = np.array([entry["person_name"] for entry in entries])
    return Rows(np.eye(len(entries), dtype=np.float32), np.zeros((len(entries), 3), np.float32), people, entries)


def entry(person: str, **keys: Any) -> dict[str, Any]:
    return {"person_name": person, **keys}


def test_ids_are_numbered_by_first_appearance_and_media_within_templates() -> None:
    found = number_templates([7, "7", 7, None, None, 7], ["m", "m", "n", "m", "m", "m"], "rows")
    assert found.template.tolist() == [0, 1, 0, 2, 3, 0]  # 7 is not "7"; rows without an id are templates of their own
    assert found.media.tolist() == [0, 1, 2, 3, 4, 0]  # "m" of another template is another media
    assert number_templates(["a", "a"], None, "rows").media.tolist() == [0, 1]
    assert number_templates(["a", "a"], [None, None], "rows").media.tolist() == [0, 1]


@pytest.mark.parametrize("ids", [np.arange(4), [np.int64(5)] * 2 + ["张"] * 2], ids=["array", "mixed"])
def test_integers_of_numpy_and_texts_in_any_script_are_ids(ids: Any) -> None:
    assert len(number_templates(ids, None, "rows").template) == 4


@pytest.mark.parametrize("wrong", [1.5, float("nan"), True, ["a"], "", b"a"])
@pytest.mark.parametrize("key", ["template_id", "media_id"])
def test_other_ids_are_refused_with_their_row(key: str, wrong: Any) -> None:
    ids: dict[str, Any] = {"template_id": "t", "media_id": "m"}
    with pytest.raises(InputError, match=rf"^faces: row 1: {key} is "):
        templates_of(rows([entry("a", **ids), entry("a", **{**ids, key: wrong})]), "faces")


def test_rows_without_any_id_have_no_templates() -> None:
    assert templates_of(rows([entry("a"), entry("b", media_id="m")]), "faces") is None
    some = templates_of(rows([entry("a"), entry("b", template_id="t"), entry("b", template_id="t")]), "faces")
    assert some is not None
    assert some.template.tolist() == [0, 1, 1]


def test_a_template_over_two_people_names_both_rows() -> None:
    with pytest.raises(InputError, match=r"^faces: rows 0 and 2: template_id 't' stands on rows of two people"):
        templates_of(
            rows([entry("a", template_id="t"), entry("a", template_id="t"), entry("b", template_id="t")]), "faces"
        )
