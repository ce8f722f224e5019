"""Tables that turn the words, verbs and emoji of a reply into names the avatar knows."""

from __future__ import annotations

from vaidol.nodes.text._words import words

EXPRESSIONS = words("neutral joy sadness anger surprise fear disgust smirk shy love thinking")
MOTIONS = words("nod shake wave")


def _table(rows: dict[str, str]) -> dict[str, str]:
    """{"joy": "happy glad"} → {"happy": "joy", "glad": "joy"}."""
    return {word: name for name, row in rows.items() for word in row.split()}


# What language models write in a tag → the avatar's name. Keys are lower case; every name maps to itself.
ALIASES: dict[str, str] = {name: name for name in (*EXPRESSIONS, *MOTIONS)} | _table(
    {
        "neutral": "calm normal default relaxed serious none idle 平静 普通 中性 無表情",
        "joy": "happy happiness joyful joyous glad cheerful delighted excited excitement amused amusement playful fun "
        "smile smiles smiling grin grins grinning laugh laughs laughing laughter giggle giggles chuckle chuckles proud "
        "content freude fröhlich glücklich joie heureux alegría alegria feliz 开心 高兴 快乐 微笑 笑 喜び 嬉しい 기쁨",
        "sadness": "sad unhappy sorrow sorrowful down crying cry cries tears depressed lonely disappointed sorry hurt "
        "sigh sighs sighing melancholy traurig triste tristesse tristeza 悲伤 难过 伤心 悲しい 悲しみ 슬픔",
        "anger": "angry mad annoyed annoyance irritated furious rage frustrated frustration upset pout pouts pouting "
        "frown frowns wütend colère enojo enfado 生气 愤怒 怒り 怒 분노",
        "surprise": "surprised shocked shock amazed amazement astonished astonishment wow gasp gasps awe startled "
        "überrascht surpris sorpresa 惊讶 吃惊 驚き 놀람",
        "fear": "afraid scared fearful frightened terrified anxious nervous worried worry concerned concern angst peur "
        "miedo 害怕 恐惧 担心 恐れ 怖い 두려움",
        "disgust": "disgusted gross eww yuck ekel dégoût asco 厌恶 恶心 嫌悪 혐오",
        "smirk": "smug teasing tease mischievous mischief sly wink winks winking sarcastic sarcasm confident 得意 坏笑",
        "shy": "embarrassed embarrassment blush blushes blushing bashful flustered verlegen 害羞 脸红 照れ 恥ずかしい",
        "love": "loving affection affectionate adoring heart kiss kisses hug hugs fond tender caring liebe amour amor "
        "爱 喜欢 愛 大好き 사랑",
        "thinking": "think thinks thoughtful pensive curious curiosity confused confusion wondering wonder hmm "
        "pondering skeptical doubtful puzzled nachdenklich 思考 疑惑 考え中 생각",
        "nod": "nods nodding agree yes 点头 うなずく",
        "shake": "shakes headshake disagree 摇头",
        "wave": "waves waving greet greeting hello bye goodbye 挥手 手を振る",
    }
)

# Base code point of an emoji (variation selectors and skin tones are not part of the key) → name.
EMOJI: dict[str, str] = {
    sign: name
    for name, signs in {
        "neutral": "😐😑😶",
        "joy": "😀😃😄😁😆😅🤣😂🙂😊😇😋😸😹😺☺🤗🥳🎉😜😝😛🤩",
        "sadness": "😔😞😟🙁☹😢😭😥😓😿🥺💔😩😫😪",
        "anger": "😠😡🤬😤👿💢😾",
        "surprise": "😮😯😲🤯🙀😦😧",
        "fear": "😨😰😱😖😣",
        "disgust": "🤢🤮😷🙄😒",
        "smirk": "😏😉😎😈😼",
        "shy": "😳🙈🫣",
        "love": "🥰😍😘😗😙😚❤🧡💛💚💙💜🖤🤍💕💖💗💓💞💘💝😻♥",
        "thinking": "🤔🧐💭🤨😕",
        "nod": "👍👌",
        "shake": "👎",
        "wave": "👋",
    }.items()
    for sign in signs
}

# Verbs of stage directions ("*smiles*", "*is giggling softly*") → name; "" = an action the avatar has no name for.
_STEMS = {
    "joy": "smile grin laugh giggle chuckle beam cheer clap",
    "sadness": "sigh cry sob weep sniffle",
    "anger": "frown glare scowl pout huff growl",
    "surprise": "gasp blink",
    "fear": "tremble shudder shiver flinch",
    "disgust": "grimace cringe gag",
    "smirk": "smirk wink tease",
    "shy": "blush fidget",
    "love": "hug cuddle kiss",
    "thinking": "ponder hum",
    "nod": "nod",
    "shake": "shake",
    "wave": "wave",
    "": "shrug lean tilt bow yawn stretch whisper adjust clear stare gaze glance purr curtsy twirl snort gulp cough "
    "mumble mutter exhale inhale pause",
}
_DOUBLED = words("grin nod hug hum gag shrug sob clap")


def _third_person(stem: str) -> str:
    if stem.endswith(("sh", "ch", "ss", "x")):
        return stem + "es"
    return stem[:-1] + "ies" if stem.endswith(("ry", "sy")) else stem + "s"


def _gerund(stem: str) -> str:
    if stem in _DOUBLED:
        return stem + stem[-1] + "ing"
    return (stem[:-1] if stem.endswith("e") else stem) + "ing"


STAGE_VERBS: dict[str, str] = {
    form: name
    for name, stems in _STEMS.items()
    for stem in stems.split()
    for form in (_third_person(stem), _gerund(stem))
}
STAGE_STEMS: dict[str, str] = _table(_STEMS)
