"""What a character is told about the room it is in, in the language it speaks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from vaidol.graph.plan import Plan
from vaidol.nodes.agent._persona import load_persona
from vaidol.server.personas import current


@dataclass(frozen=True, slots=True)
class Hint:
    """room: who is there ("{others}"), and how to talk; go_on: what to do when nothing new was said. pair: a person
    and their character."""

    room: str
    go_on: str
    pair: str


HINTS = {
    "en": Hint(
        "You are in a room with {others}. Keep to one or two sentences; if you have nothing to add, answer only "
        "with: ...",
        "It is your turn to say something about what was said last.",
        "{person} and {character}",
    ),
    "de": Hint(
        "Du bist in einem Raum mit {others}. Bleib bei ein oder zwei Sätzen; hast du nichts hinzuzufügen, antworte nur "
        "mit: ...",
        "Du bist an der Reihe, etwas zu dem zu sagen, was zuletzt gesagt wurde.",
        "{person} und {character}",
    ),
    "fr": Hint(
        "Tu es dans une pièce avec {others}. Reste à une ou deux phrases ; si tu n'as rien à ajouter, réponds "
        "seulement : ...",
        "C'est à toi de dire quelque chose sur ce qui vient d'être dit.",
        "{person} et {character}",
    ),
    "es": Hint(
        "Estás en una sala con {others}. Habla en una o dos frases; si no tienes nada que añadir, responde solo "
        "con: ...",
        "Te toca decir algo sobre lo último que se ha dicho.",
        "{person} y {character}",
    ),
    "it": Hint(
        "Sei in una stanza con {others}. Limitati a una o due frasi; se non hai nulla da aggiungere, rispondi solo "
        "con: ...",
        "Tocca a te dire qualcosa su ciò che è stato detto per ultimo.",
        "{person} e {character}",
    ),
    "pt": Hint(
        "Você está numa sala com {others}. Fale em uma ou duas frases; se não tiver nada a acrescentar, responda "
        "apenas com: ...",
        "É a sua vez de dizer algo sobre o que foi dito por último.",
        "{person} e {character}",
    ),
    "nl": Hint(
        "Je bent in een kamer met {others}. Houd het bij één of twee zinnen; heb je niets toe te voegen, antwoord dan "
        "alleen met: ...",
        "Het is jouw beurt om iets te zeggen over wat het laatst gezegd is.",
        "{person} en {character}",
    ),
    "pl": Hint(
        "Jesteś w pokoju, w którym są: {others}. Mów jednym lub dwoma zdaniami; jeśli nie masz nic do dodania, "
        "odpowiedz tylko: ...",
        "Teraz twoja kolej, by powiedzieć coś o tym, co padło ostatnio.",
        "{person} i {character}",
    ),
    "ru": Hint(
        "Ты в комнате, где есть: {others}. Говори одним-двумя предложениями; если нечего добавить, ответь только: ...",
        "Твоя очередь сказать что-нибудь о том, что было сказано последним.",
        "{person} и {character}",
    ),
    "ja": Hint(
        "あなたは{others}と同じ部屋にいます。一、二文で話してください。付け加えることがなければ「...」とだけ答えてください。",
        "最後に言われたことについて、あなたが何か言う番です。",
        "{person}さんと{character}",
    ),
    "zh": Hint(
        "你和{others}在同一个房间里。只说一两句话；如果没有要补充的，就只回答：...",
        "轮到你就刚才说的话说点什么了。",
        "{person}和{character}",
    ),
    "ko": Hint(
        "당신은 {others}와(과) 같은 방에 있습니다. 한두 문장으로 말하고, 덧붙일 말이 없으면 '...'라고만 답하세요.",
        "마지막에 나온 말에 대해 당신이 말할 차례입니다.",
        "{person}님과 {character}",
    ),
}
COMMAS = {"ja": "、", "zh": "、"}


def told(plan: Plan, others: list[tuple[str, str]]) -> str:
    """The character of `plan` is in a room with these (person, character)."""
    language = spoken(plan)
    hint = HINTS[language]
    names = COMMAS.get(language, ", ").join(hint.pair.format(person=person, character=who) for person, who in others)
    return hint.room.format(others=names)


def go_on(plan: Plan) -> str:
    """It is the turn of the character of `plan`."""
    return HINTS[spoken(plan)].go_on


def spoken(plan: Plan) -> str:
    """The language of the persona of `plan`, else that of its nodes for text and recognition, as far as known here."""
    nodes = [node.settings for node in plan.nodes if node.kind.partition(".")[0] in ("text", "asr")]
    languages = [str(getattr(settings, "language", "") or "") for settings in nodes]
    with suppress(ValueError):  # its file is gone, or broken since; what speaks goes on
        languages.insert(0, load_persona(name).language if (name := current(plan)) else "")
    known = (language.partition("-")[0].lower() for language in languages)
    return next((language for language in known if language in HINTS), "en")
