"""What linkage and rules do with identifiers besides comparing them: an engine may hold numbers in their place (`base.named`)."""

from typing import Any

import ibis

from central.engines.base import NUMBER, text_of


def word(identifier: Any) -> Any:
    """The identifier as text, to be put into a subject key; text stays as it is. Costs a lookup, so only for what was found."""
    return text_of(identifier) if identifier.type() == NUMBER else identifier


def plain(value: Any) -> Any:
    """Text or an identifier as a part of a subject key, in which a slash parts."""
    return word(value).replace("/", "_")


def missing(like: Any) -> Any:
    """No identifier, in a column of such."""
    return ibis.null(like.type())


def nobodys(like: Any) -> Any:
    """An identifier that nobody has, comparable with such."""
    return ibis.literal(0, NUMBER) if like.type() == NUMBER else ibis.literal("")


def listed(*identifiers: Any) -> Any:
    """A list of one identifier or two, each of which may be missing; null if there is none."""
    first, *others = identifiers
    nothing = ibis.null(ibis.array([first]).type())
    if not others:
        return first.isnull().ifelse(nothing, ibis.array([first]))
    (second,) = others
    return ibis.cases(
        (first.isnull() & second.isnull(), nothing),
        (first.isnull(), ibis.array([second])),
        (second.isnull(), ibis.array([first])),
        else_=ibis.array([first, second]),
    )
