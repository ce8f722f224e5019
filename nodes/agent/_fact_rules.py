"""How people tell things about themselves in English, as rules: a clause, what it is about, and the fact in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

X = r"(?P<x>[\w'.&+-]+(?: [\w'.&+-]+){0,7}?)"  # a few words
NAME = r"(?P<x>[\w'.-]+(?:(?-i: [A-ZÀ-Þ])[\w'.-]+){0,2})"
TAIL = (
    r"(?: (?:now|too|as well|at the moment|these days|right now|originally|you know|today|actually|very much|a lot|"
    r"anymore|any more|by the way|again|really|of course))*"
)
NUMBER = (
    r"(?:\d{1,3}|(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[ -](?:one|two|three|four|five|six|"
    r"seven|eight|nine))?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen|eighteen|nineteen))"
)
MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec|spring|summer|autumn|winter)"
KIN = (
    r"(?:mother|father|mum|mom|dad|parents|brother|sister|son|daughter|kids?|child|children|baby|twins?|husband|wife|"
    r"partner|boyfriend|girlfriend|fiancée?|grandmother|grandfather|grandma|grandpa|nana|uncle|aunt|cousin|nephew|niece|"
    r"best friend|friend|boss|neighbou?r|flatmate|roommate|dog|puppy|cat|kitten|rabbit|horse|parrot|hamster|fish|"
    r"budgie|tortoise|guinea pig|pet)"
)
HAD = (
    rf"(?:{KIN}s?|garden|boat|sailing boat|motorbike|motorcycle|bike|car|library|van|"
    r"house|flat|apartment|cottage|farm|allotment|tattoos?|degree|phd|bakery|shop|business|company|band|blog|podcast|"
    r"driving licen[cs]e)"
)
ILL = (
    r"(?:diabetes|asthma|epilepsy|migraines?|adhd|autism|arthritis|hay fever|high blood pressure|insomnia|depression|"
    r"dyslexia|tinnitus|coeliac disease|celiac disease|a pacemaker|a hearing aid|a heart condition)"
)
DOES = (
    r"(?:\w+(?:ist|ologist|grapher|maker|smith|keeper|worker|man|woman)|engineer|developer|programmer|teacher|nurse|doctor|"
    r"lawyer|student|pupil|chef|cook|baker|butcher|carpenter|plumber|electrician|mechanic|driver|pilot|farmer|gardener|"
    r"musician|singer|actor|actress|writer|author|painter|designer|architect|manager|accountant|clerk|secretary|librarian|"
    r"professor|researcher|soldier|sailor|judge|vet|surgeon|midwife|paramedic|waiter|waitress|hairdresser|tailor|builder|"
    r"banker|consultant|translator|editor|coach|trainer|pensioner|mother|father|mum|mom|dad|grandmother|grandfather|widow|"
    r"widower|vegetarian|vegan|only child|twin|night owl|early bird|morning person|cat person|dog person|beginner)"
)
IS = (
    r"(?P<x>(?:(?:a )?(?:strict |lifelong )?(?:vegetarian|vegan)|left-handed|right-handed|deaf|blind|colou?r[- ]blind|"
    r"(?:lactose|gluten)[- ]intolerant|diabetic|asthmatic|dyslexic|autistic|pregnant|retired|unemployed|jewish|muslim|"
    r"christian|catholic|protestant|buddhist|hindu|an atheist))"
)
PLAYED = (
    r"(?P<x>(?:the )?(?:piano|guitar|violin|cello|viola|flute|drums|saxophone|sax|trumpet|harp|clarinet|bass|accordion|"
    r"ukulele|organ|oboe|trombone|banjo|football|soccer|tennis|basketball|volleyball|handball|hockey|rugby|cricket|golf|"
    r"badminton|table tennis|squash|chess|poker|bridge|baseball|video games|computer games|minecraft)(?: .{1,50})?)"
)
TONGUE = (
    r"(?P<x>(?:a (?:bit of|little) |some |fluent )?(?:english|german|french|spanish|italian|portuguese|dutch|danish|"
    r"swedish|norwegian|finnish|polish|czech|russian|ukrainian|greek|turkish|arabic|hebrew|hindi|urdu|bengali|chinese|"
    r"mandarin|cantonese|japanese|korean|thai|vietnamese|welsh|irish|latin|romanian|hungarian|croatian|serbian|swahili|"
    r"sign language)(?: .{1,60})?)"
)
PEOPLE = (
    r"(?P<x>english|british|scottish|irish|welsh|american|canadian|australian|german|austrian|swiss|french|spanish|italian|"
    r"portuguese|dutch|belgian|danish|swedish|norwegian|finnish|polish|czech|russian|ukrainian|greek|turkish|indian|"
    r"chinese|japanese|korean|brazilian|mexican|nigerian|south african|hungarian|romanian)"
)
HAVE = r"(?:i|we)(?: have| have got|'ve got|'ve| got| own| keep)"
AM = r"i(?:'m| am)"


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` takes a whole clause. key: what it is about, text: the fact; both may name groups of the pattern.

    proper: {x} is a name. denies: what has the key is not true any more, where it names {x}.
    """

    pattern: re.Pattern[str]
    key: str
    text: str
    proper: bool = False
    denies: bool = False


def rules(*table: tuple[str, str, str], tail: str = TAIL) -> tuple[Rule, ...]:
    """(pattern, key, text); a pattern that begins with ^ wants a name as {x}; an empty text denies."""
    return tuple(
        Rule(
            re.compile(pattern.removeprefix("^") + tail, re.IGNORECASE),
            key,
            text,
            proper=pattern.startswith("^"),
            denies=not text,
        )
        for pattern, key, text in table
    )


ENGLISH = rules(
    (rf"my (?:real |full |first )?name(?:'s| is) {NAME}", "name", "is called {x}"),
    (rf"{AM} called {NAME}", "name", "is called {x}"),
    (rf"{AM} {PEOPLE}", "people", "is {x}"),
    (rf"^(?:please |you can |just |everybody )*calls? me {NAME}", "nickname", "is called {x} by friends"),
    (rf"(?:i|we) (?:currently |now |still )?live (?P<at>in|near|at|on|outside|by) {X}", "home", "lives {at} {x}"),
    (rf"^(?:i|we)(?:'ve| have)?(?: just| recently)? moved to {X}", "home", "lives in {x}"),
    (rf"(?:i|we) (?:don't|do not|no longer) live (?:in|near|at|on) {X}", "home", ""),
    (rf"^{AM}(?: originally)? from {X}", "origin", "comes from {x}"),
    (rf"i(?: originally)? come from {X}", "origin", "comes from {x}"),
    (rf"i (?:grew up|was raised|was brought up) (?P<at>in|near|on) {X}", "origin", "grew up {at} {x}"),
    (r"i was born in (?P<x>(?:19|20)\d\d)", "year", "was born in {x}"),
    (rf"i was born on (?P<x>.{{0,30}}{MONTH}.{{0,20}})", "birthday", "has a birthday on {x}"),
    (rf"my birthday(?:'s| is)(?: on| in)? {X}", "birthday", "has a birthday on {x}"),
    (rf"{AM}(?: only)? (?P<x>{NUMBER})(?: years old)?", "age", "is {x} years old"),
    (rf"i(?: still)? work as {X}", "job", "works as {x}"),
    (r"i(?: still)? work (?P<at>for|at|in) (?P<x>(?:an?|the) .+|[A-Z].+)", "employer", "works {at} {x}"),
    (rf"i (?:don't|do not|no longer) work (?:for|at|in) {X}", "employer", ""),
    (rf"i (?:don't|do not|no longer) work as {X}", "job", ""),
    (rf"{AM} (?P<x>an? (?:[\w-]+ ){{0,3}}?{DOES}(?: (?:in|at|for|from|of) .+)?)", "job", "is {x}"),
    (rf"(?:i study|{AM} studying|i studied) {X}", "study", "studies {x}"),
    (rf"{HAVE} an?(?: \w+){{0,2}}? (?P<of>[\w-]+) (?:named|called) {NAME}", "name of {of}", "has a {of} named {x}"),
    (
        rf"(?:my|our) (?P<of>(?:\w+ )?\w+?)(?:'s name is|'s name's| is called| is named|'s called) {NAME}",
        "name of {of}",
        "has a {of} named {x}",
    ),
    (rf"{HAVE} (?P<x>(?:an?|{NUMBER}|some|no)(?: [\w-]+){{0,3}}? {HAD}(?: .{{1,60}})?)", "has {x}", "has {x}"),
    (rf"(?:i|we) (?:don't|do not|no longer) have (?:an? |any |my )?(?P<x>{HAD})", "has {x}", ""),
    (rf"{HAVE} (?P<x>{ILL})", "has {x}", "has {x}"),
    (r"i wear (?P<x>glasses|contact lenses|a hearing aid)", "wears {x}", "wears {x}"),
    (
        r"(?:i|we)(?: have|'ve got| have got) (?P<x>(?:an? |my )(?:\w+ )?(?:exam|interview|appointment|flight|operation"
        r"|surgery|wedding|test)) (?P<at>(?:on|at|in|tomorrow|next) ?.{0,40})",
        "has {x}",
        "has {x} {at}",
    ),
    (rf"{AM} (?P<x>married|engaged|divorced|single|widowed|separated)(?: to (?P<to>.+))?", "marital", "is {x}"),
    (rf"(?:{AM}|we're|we are) getting married(?P<x>.{{0,40}})", "marital", "is getting married {x}"),
    (rf"{AM} (?:not|no longer) (?P<x>married|engaged|divorced|single|widowed)", "marital", ""),
    (rf"{AM} {IS}", "is {x}", "is {x}"),
    (rf"{AM} (?:not|no longer) (?:an? )?{IS}", "is {x}", ""),
    (
        rf"(?:my|our) (?P<of>(?:older |younger |little |big |late |elder |eldest |ex-?)?{KIN}(?: [A-Z]\w+)?)"
        r" (?P<does>is|are|was|has|have|lives?|works?|plays?|studies|likes?|loves?|hates?|moved|started|just started|"
        r"died|passed away|comes|wants|turns) ?(?P<x>.{0,70})",
        "{of} {does}",
        "their {of} {does} {x}",
    ),
    (r"i(?: really| do| absolutely| just| also)* (?:like|love|enjoy|adore) (?P<x>(?!to (?:hear|know)).+?)", "taste {x}",
     "likes {x}"),
    (rf"{AM} (?:an? (?:big |huge |great )?fan of|really into|into|fond of) {X}", "taste {x}", "likes {x}"),
    (
        r"i(?: really| absolutely)* (?:hate|dislike|detest|loathe|can't stand|cannot stand|can not stand|don't like|"
        r"do not like|don't really like) (?P<x>.+?)",
        "taste {x}",
        "dislikes {x}",
    ),
    (rf"my favou?rite (?P<of>[\w ]{{2,30}}?)(?:'s| is| are) {X}", "favourite {of}", "has as favourite {of}: {x}"),
    (r"i prefer (?P<x>.+?) (?:to|over) (?P<to>.+?)", "prefers {to}", "prefers {x} to {to}"),
    (rf"{AM} (?:very |severely |badly )?allergic to {X}", "allergy {x}", "is allergic to {x}"),
    (rf"{AM} (?:not|no longer) allergic to {X}", "allergy {x}", ""),
    (r"i (?:don't|do not|never|can't|cannot) (?P<does>eat|drink|smoke) ?(?P<x>.{0,40}?)", "{does} {x}",
     "does not {does} {x}"),
    (r"i(?:'ve| have)? (?:quit|gave up|given up|stopped) (?P<x>smoking|drinking|cigarettes|alcohol|sugar|coffee|meat)"
     r"(?: .{1,30})?",
     "quit {x}", "has given up {x}"),
    (rf"i play {PLAYED}", "plays {x}", "plays {x}"),
    (rf"i(?: can| also)? speak {TONGUE}", "speaks", "speaks {x}"),
    (rf"(?:{AM}|i've been) (?:learning|studying) {TONGUE}", "learns {x}", "is learning {x}"),
    (r"i drive (?P<x>an? .+|my .+)", "drives", "drives {x}"),
    (rf"{AM} (?:very |really )?(?:afraid|scared|terrified|frightened) of {X}", "fear {x}", "is afraid of {x}"),
    (r"i (?:want to|would like to|am going to|will) (?:become|be) (?P<x>an? .+)", "wish", "wants to become {x}"),
    (rf"(?:i dream of|my dream is|my dream is to) {X}", "dream", "dreams of {x}"),
    (rf"i collect {X}", "collects {x}", "collects {x}"),
    (rf"my hobb(?:y is|ies are) {X}", "hobby", "has as hobby: {x}"),
    (rf"{AM} (?=(?-i:[A-ZÀ-Þ])){NAME}", "name", "is called {x}"),
)  # fmt: skip
