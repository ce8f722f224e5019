"""Lexicon of feelings: which words, phrases and faces make the avatar show what, and how strongly."""

from __future__ import annotations

# expression → weight → words in lower case; plain endings (-s, -ed, -ing, -ly, -er) need not be listed.
_WORDS: dict[str, dict[float, str]] = {
    "joy": {
        0.8: "delighted thrilled overjoyed ecstatic hooray hurray yay woohoo hurra youpi",
        0.6: "happy joy joyful glad cheerful amazing awesome fantastic wonderful excellent brilliant marvelous excited "
        "haha hahaha lol celebrate congratulations congrats glücklich wunderbar fantastisch heureux heureuse ravi "
        "génial merveilleux feliz felices contento contenta alegre genial maravilloso fantástico jaja jajaja mdr",
        0.5: "great fun funny laugh smile enjoy lovely beautiful perfect yes! proud superb incredible exciting "
        "hilarious win won winner freue freut freude froh toll großartig fröhlich lustig schön content contente joie "
        "super drôle parfait alegría encanta divertido estupendo",
        0.35: "thanks thank cool nice welcome hello hi hey pleased pleasure cheers lucky sweet danke hallo willkommen "
        "merci bonjour salut bienvenue gracias hola bienvenido sunny party",
        0.25: "good fine better best hope gut bien bueno buena",
    },
    "sadness": {
        0.7: "heartbroken devastated miserable depressed grief mourn hopeless verzweifelt désespéré desesperado",
        0.6: "sad unhappy sorrow lonely tragic cry crying tears weep unfortunately traurig unglücklich einsam triste "
        "malheureux malheureuse tristeza llorar alas",
        0.45: "sorry terrible awful horrible hurt hurts died dies dead death disappointed disappointing regret lost "
        "gloomy leider weinen schade schlimm désolé désolée hélas malheureusement lamento "
        "desafortunadamente lástima pleurer funeral",
        0.35: "bad badly sadly fail failed failure tired poor painful suffer pity shame schlecht verloren",
        0.25: "wrong miss sick",
    },
    "anger": {
        0.8: "furious rage enraged outraged wütend zornig furieux furieuse furioso furiosa",
        0.6: "angry hate idiot outrageous mad fury infuriating sauer hasse colère déteste enojado enfadado odio",
        0.5: "stupid damn annoyed annoying unacceptable dumb ridiculous disrespect betray betrayed nervt dumm énervé "
        "énervée molesto",
        0.35: "unfair frustrated frustrating argh grr ugh rude",
    },
    "surprise": {
        0.7: "wow whoa omg astonished astonishing unbelievable shocked shocking überrascht wahnsinn étonné incroyable "
        "sorprendido increíble",
        0.5: "surprised surprise surprising unexpected unexpectedly gosh oh! startled speechless überraschung surprise "
        "sorpresa",
        0.3: "suddenly plötzlich soudain",
    },
    "fear": {
        0.7: "terrified terrifying horrified panic horror nightmare entsetzt terrifié aterrado",
        0.55: "afraid scared scary frightened frightening fear creepy spooky angst fürchte peur miedo asustado",
        0.4: "worried worry worrying nervous anxious anxiety danger dangerous threat besorgt gefährlich inquiet "
        "dangereux preocupado peligroso",
        0.3: "careful beware",
    },
    "disgust": {
        0.7: "disgusting disgusted gross yuck eww ew revolting nasty vomit ekelhaft widerlich eklig dégoûtant "
        "asqueroso repugnant beurk",
        0.4: "stinks stink smelly rotten filthy moldy igitt",
    },
    "smirk": {
        0.5: "hehe heh teehee sneaky naughty cheeky mischievous smug tease teasing muahaha",
        0.35: "obviously clever trick prank",
    },
    "shy": {
        0.6: "embarrassed embarrassing blush blushing shy flustered verlegen schüchtern timide gêné avergonzado",
        0.4: "awkward peinlich",
    },
    "love": {
        0.65: "love adore beloved liebe amour aime adoro amo",
        0.5: "darling sweetheart kiss hug cuddle affection cherish liebling küssen chéri chérie cariño beso abrazo",
        0.35: "cute adorable dear precious süß mignon lindo",
    },
    "thinking": {
        0.5: "hmm hm hmmm wonder wondering ponder curious puzzled puzzling confused unsure uncertain nachdenken",
        0.35: "maybe perhaps possibly interesting complicated tricky vielleicht peut-être quizás interessant "
        "intéressant interesante",
        0.25: "think guess suppose consider depends probably",
    },
}
WORDS: dict[str, tuple[str, float]] = {
    word: (name, weight) for name, rows in _WORDS.items() for weight, row in rows.items() for word in row.split()
}

# Regular expressions on the lower-case text, taken out before single words are weighed.
PHRASES: tuple[tuple[str, str, float], ...] = (
    (
        r"\b(?:never|couldn't|could not|can't|cannot) (?:be |been |feel |felt )*(?:happier|better|more \w+)\b",
        "joy",
        0.8,
    ),
    (r"\b(?:can't|cannot|can not|can hardly) wait\b", "joy", 0.6),
    (r"\bnot (?:too |so |that |half )?bad\b|\bnicht schlecht\b|\bpas mal\b|\bnada mal\b", "joy", 0.4),
    (r"\bno (?:problem|worries)\b|\bdon't (?:you )?(?:worry|be (?:sad|afraid|scared))\b|\bkeine sorge\b", "joy", 0.35),
    (r"\b(?:looking|look) forward\b|\bwell done\b|\bgood (?:job|work|luck|news)\b", "joy", 0.5),
    (r"\b(?:would|'d) (?:love|like|be happy) to\b|\bhappy to help\b|\bnothing wrong\b", "joy", 0.4),
    (r"\btears of (?:joy|happiness|laughter)\b|\b(?:so|too) funny\b", "joy", 0.7),
    (r"\b(?:miss|missed|missing) (?:you|him|her|them)\b|\bsorry for your loss\b|\bbroke my heart\b", "sadness", 0.6),
    (r"\bpassed away\b|\bgave up\b|\bgive up\b|\bwhat a (?:shame|pity)\b|\bbad news\b|\blo siento\b", "sadness", 0.55),
    (r"\btut mir leid\b|\bsorry to hear\b", "sadness", 0.55),
    (r"\bhow dare\b|\bshut up\b|\bsick of\b|\bfed up\b|\bleave me alone\b|\bgo to hell\b|\bget lost\b", "anger", 0.7),
    (
        r"\bno way\b|\boh my (?:god|goodness|gosh)\b|\bwhat the\b|\b(?:oh )?really\s?\?|\bno me digas\b",
        "surprise",
        0.55,
    ),
    (r"\b(?:can't|cannot|don't) believe\b|\bach was\b|\bseriously\s?\?|\bwho knew\b", "surprise", 0.5),
    (r"\blet me (?:think|see)\b|\b(?:not|n't) (?:\w+ )?(?:sure|certain|know|understand)\b", "thinking", 0.5),
    (r"\bgood question\b|\bon the other hand\b|\bno (?:idea|clue)\b|\bje ne sais pas\b|\bno sé\b", "thinking", 0.5),
    (r"\bweiß (?:ich )?nicht\b|\bi (?:wonder|guess)\b|\bkeine ahnung\b", "thinking", 0.5),
    (r"\bin love\b|\bmean (?:so much|the world|everything) to me\b|\bte quiero\b|\bje t'aime\b", "love", 0.7),
    (r"\bnot only\b|\bof course\b|\bpretty much\b|\bmiss(?= [a-z]+ing\b)|\bbest regards\b", "neutral", 0.0),
)

# Chinese, Japanese and Korean have no spaces to split at (or endings in plenty): substrings.
PARTS: dict[str, tuple[str, float]] = {
    part: (name, weight)
    for name, weight, row in (
        (
            "joy",
            0.6,
            "开心 高兴 快乐 太好了 太棒了 哈哈 恭喜 嬉し うれし 楽し やった 幸せ 笑える 기뻐 기쁘 행복 즐거 신나",
        ),
        ("joy", 0.35, "谢谢 你好 欢迎 很好 ありがと こんにち よかった 감사 안녕"),
        ("sadness", 0.6, "难过 伤心 悲伤 可惜 哭 悲し 寂し 残念 泣 슬프 슬퍼 외로"),
        ("sadness", 0.4, "抱歉 对不起 遗憾 ごめん すみません 미안"),
        ("anger", 0.6, "生气 愤怒 讨厌 可恶 怒 むかつ 許さ 腹が立 화나 화가"),
        ("surprise", 0.6, "惊讶 哇 天啊 没想到 びっくり 驚 えっ まさか 깜짝 놀라 세상에"),
        ("fear", 0.55, "害怕 可怕 担心 恐怖 怖い こわい 心配 무서 걱정"),
        ("disgust", 0.6, "恶心 気持ち悪 きもい 역겨"),
        ("shy", 0.6, "害羞 不好意思 恥ずかし 照れ 부끄"),
        ("love", 0.6, "我爱你 爱你 喜欢你 大好き 愛し 사랑"),
        ("thinking", 0.45, "让我想想 也许 不知道 うーん たぶん かもしれ 글쎄 아마"),
    )
    for part in row.split()
}

FACES: tuple[tuple[str, str, float], ...] = (
    (r":['-]?\)|[:=]-?D\b|\bx[dD]\b|\^[_.-]*\^|[(（][^()（）\w]*[▽‿∀ヮ][^()（）]*[)）]", "joy", 0.6),
    (r":'?-?\(|\b[TQ]_+[TQ]\b|;_;|[(（]´[・･]ω[・･]`[)）]", "sadness", 0.6),
    (r">:-?\(|╯°□°|(?<!\w)-_+-(?!\w)", "anger", 0.6),
    (r":-?[oO]\b|\b[oO]_[oO]\b|[⊙◎]_[⊙◎]", "surprise", 0.6),
    (r";-?\)|:-?[pP]\b", "smirk", 0.5),
    (r"<+3\b", "love", 0.7),
    (r"¯\\_\(ツ\)_/¯", "thinking", 0.5),
    (r"\?!|!\?", "surprise", 0.45),
)
