"""Sentences with a place where people stop to think, and sentences that are over: what turn-taking is measured on.

`DEVELOPMENT` is what rules and thresholds are made with; `MEASURED` is what the bench reports, and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

Halves = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sentences:
    """open: the first half cannot be all. whole: it could, only the speaker knows that it is not. finished: by kind."""

    open: Halves
    whole: Halves
    finished: dict[str, tuple[str, ...]]


DEVELOPMENT = Sentences(
    open=(
        ("Could you please remind me to", "call my mother tonight?"),
        ("I need to find a cheap hotel near", "the central station."),
        ("If it rains tomorrow,", "I will stay at home and read."),
        ("When I was a child,", "we lived in a little house by the sea."),
        ("The reason I am calling is that", "my order has not arrived."),
        ("Do you know how far it is from", "London to Edinburgh?"),
        ("My phone number is five five five", "two three seven nine."),
        ("I think that we should", "start again from the beginning."),
        ("Where can I buy a", "new battery for my watch?"),
        ("She told me that her", "brother lives in Canada."),
        ("First I want to know", "how much it costs."),
        ("I'm looking for a book about", "the history of Japan."),
        ("Because I was late for work,", "I took a taxi."),
        ("Would you rather go to the beach or", "to the mountains?"),
        ("It was a very", "long and boring film."),
        ("I have been working on this since", "early in the morning."),
        ("He said he would come but", "he never did."),
        ("Please set an alarm for", "half past six."),
        ("What I really want is", "a quiet evening at home."),
        ("So I went to the doctor and", "she gave me some pills."),
        ("There are three things I", "don't like about it."),
        ("How do I get to", "the airport from here?"),
        ("Well, you know, I", "have never been there."),
        ("Tell me something about", "the planets."),
        ("I usually drink my coffee without", "milk or sugar."),
        ("Not only is it expensive,", "but it is also very slow."),
        ("Can you explain what the word", "serendipity means?"),
        ("The capital of Australia is", "not Sydney."),
        ("I would love to learn how to", "play the guitar."),
    ),
    whole=(
        ("I like dogs", "but cats are nice too."),
        ("We had dinner at home", "and then we watched a film."),
        ("I don't want to go out tonight", "because I am tired."),
        ("Turn on the light", "in the kitchen, please."),
        ("What time is it", "in New York?"),
        ("I bought a new bicycle", "last week."),
    ),
    finished={
        "question": (
            "What's the weather like today?", "How old are you?", "Who wrote Romeo and Juliet?", "Where are you from?",
            "What are you thinking about?", "Do you like music?", "Why is the sky blue?", "What is it for?",
            "How many people live in China?", "Is there a pharmacy nearby?", "Which one is better?",
            "Could you repeat that?",
        ),
        "request": (
            "Can you sing a song for me?", "Tell me a joke.", "Please turn the volume down.", "Stop the music.",
            "Let's play a game.",
        ),
        "statement": (
            "That's a good idea.", "I feel a bit sad today.", "My name is Anna.", "I live in Berlin.",
            "I went to the cinema yesterday.", "I don't know who he is.",
        ),
        "answer": ("Yes, please.", "No, thank you.", "I don't know.", "Twenty-five.", "The blue one.", "Yes, I am."),
    },
)  # fmt: skip

MEASURED = Sentences(
    open=(
        ("I would like to book a table for", "two people tomorrow evening."),
        ("What is the name of the", "tallest mountain in the world?"),
        ("I was thinking about going to", "the cinema with my brother."),
        ("My favourite food is, um,", "probably spaghetti with tomatoes."),
        ("Can you tell me what the weather", "is going to be like on Sunday?"),
        ("I would like to know if", "you have any rooms left."),
        ("How long does it take to", "boil an egg?"),
        ("If you had one wish,", "what would it be?"),
        ("The best thing about my job is", "that I can work at home."),
        ("We wanted to leave early, but", "the train was late."),
        ("The train to Manchester leaves from", "platform number nine."),
        ("I haven't seen him in", "more than ten years."),
    ),
    whole=(
        ("Yesterday I went to the market", "and bought three kilos of apples."),
        ("I have a brother", "and two sisters."),
        ("Play some music", "from the eighties."),
        ("How are you", "feeling today?"),
    ),
    finished={
        "question": ("What is the capital of Norway?", "How do I make pancakes?", "Who are you talking to?"),
        "request": ("Tell me a story about a dragon.", "Give me three tips for better sleep."),
        "statement": ("I am really tired today.", "My favourite colour is green."),
        "answer": ("No, I have never been there.", "Thanks, that was helpful."),
    },
)  # fmt: skip
