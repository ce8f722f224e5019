"""How people tell things about themselves in German, French and Spanish, as rules; fewer than for English."""

from __future__ import annotations

from vaidol.nodes.agent._fact_rules import NAME, X, rules

DE_TAIL = r"(?: (?:jetzt|auch|gerade|zurzeit|übrigens|sehr|gern|gerne|seit .{1,30}))*"
DE_HAD = (
    r"(?:hund\w*|katzen?|kater|pferde?|kind(?:er)?|sohn|söhne|tochter|töchter|bruder|brüder|schwestern?|geschwister|enkel\w*"
    r"|mann|frau|freundin|freund|garten|auto|haus|boot|diabetes|asthma)"
)
GERMAN = rules(
    (rf"(?:ich heiße|ich heisse|mein name ist) {NAME}", "name", "heißt {x}"),
    (rf"(?:nenn|nennt) mich {NAME}", "nickname", "wird {x} genannt"),
    (rf"(?:ich wohne|wir wohnen|ich lebe|wir leben) (?P<at>in|im|auf|bei|am) {X}", "home", "wohnt {at} {x}"),
    (rf"(?:ich bin|wir sind) (?:\w+ )?nach {X} (?:gezogen|umgezogen)", "home", "wohnt in {x}"),
    (rf"(?:ich wohne|wir wohnen) nicht mehr (?:in|im|auf) {X}", "home", ""),
    (rf"ich (?:komme|bin) aus {X}", "origin", "kommt aus {x}"),
    (rf"ich bin in {X} aufgewachsen", "origin", "ist in {x} aufgewachsen"),
    (r"ich bin (?P<x>\d{1,3}|\w+zig|\w+zehn) jahre alt", "age", "ist {x} Jahre alt"),
    (rf"(?:ich habe am|mein geburtstag ist am) {X}(?: geburtstag)?", "birthday", "hat Geburtstag am {x}"),
    (rf"ich arbeite als {X}", "job", "arbeitet als {x}"),
    (rf"ich arbeite (?P<at>bei|in|im|für) {X}", "employer", "arbeitet {at} {x}"),
    (rf"ich studiere {X}", "study", "studiert {x}"),
    (rf"(?:ich habe|wir haben) eine?n? (?P<of>[\w-]+) namens {NAME}", "name of {of}", "hat {of} namens {x}"),
    (rf"(?:meine?|unsere?) (?P<of>\w+) hei(?:ß|ss)t {NAME}", "name of {of}", "hat {of} namens {x}"),
    (rf"(?:ich habe|wir haben) (?P<x>(?:eine?n?|zwei|drei|vier|fünf|keine?n?) (?:\w+ )?{DE_HAD})", "has {x}",
     "hat {x}"),
    (r"ich (?:mag|liebe) (?P<x>(?!kein)(?!nicht).+?)", "taste {x}", "mag {x}"),
    (rf"ich (?:hasse|mag keine?n?) {X}", "taste {x}", "mag nicht: {x}"),
    (rf"mein(?:e)? lieblings(?P<of>\w+) ist {X}", "favourite {of}", "Lieblings{of}: {x}"),
    (rf"ich bin allergisch (?:gegen|auf) {X}", "allergy {x}", "ist allergisch gegen {x}"),
    (r"ich spiele (?P<x>klavier|gitarre|geige|cello|flöte|schlagzeug|fußball|tennis|schach|handball|volleyball|golf)",
     "plays {x}", "spielt {x}"),
    (rf"ich (?P<does>esse|trinke) kein(?:e|en)? {X}", "{does} {x}", "isst oder trinkt nicht: {x}"),
    (rf"ich spreche {X}", "speaks", "spricht {x}"),
    (rf"ich lerne {X}", "learns {x}", "lernt {x}"),
    (r"ich bin (?P<x>verheiratet|ledig|geschieden|verlobt|verwitwet|single)", "marital", "ist {x}"),
    (r"ich bin (?P<x>vegetarier(?:in)?|veganer(?:in)?|linkshänder(?:in)?|schwanger|diabetiker(?:in)?)", "is {x}",
     "ist {x}"),
    (rf"ich habe angst vor {X}", "fear {x}", "hat Angst vor {x}"),
    tail=DE_TAIL,
)  # fmt: skip

FR_TAIL = r"(?: (?:maintenant|aussi|en ce moment|beaucoup|d'ailleurs|depuis .{1,30}))*"
FR_HAD = (
    r"(?:chiens?|chats?|chevaux|cheval|enfants?|fils|filles?|frères?|sœurs?|soeurs?|mari|femme|jardin|maison|voiture|bateau"
    r"|asthme|diabète)"
)
FRENCH = rules(
    (rf"(?:je m'appelle|mon nom est|mon prénom est) {NAME}", "name", "s'appelle {x}"),
    (rf"(?:j'habite|nous habitons|je vis|nous vivons) (?P<at>à|au|aux|en|dans|près de) {X}", "home", "habite {at} {x}"),
    (rf"je n'habite plus (?:à|au|en|dans) {X}", "home", ""),
    (rf"je (?:viens|suis originaire) (?P<at>de |du |des |d'|de la ){X}", "origin", "vient {at}{x}"),
    (r"j'ai (?P<x>[\w-]+(?: et un)?) ans", "age", "a {x} ans"),
    (rf"mon anniversaire est le {X}", "birthday", "a son anniversaire le {x}"),
    (rf"je travaille comme {X}", "job", "travaille comme {x}"),
    (rf"je travaille (?P<at>chez|pour|dans|à|au) {X}", "employer", "travaille {at} {x}"),
    (rf"j'étudie {X}", "study", "étudie {x}"),
    (rf"(?:j'ai|nous avons) une? (?P<of>[\w-]+) qui s'appelle {NAME}", "name of {of}",
     "a un(e) {of} qui s'appelle {x}"),
    (rf"(?:mon|ma|notre) (?P<of>[\w-]+) s'appelle {NAME}", "name of {of}", "a un(e) {of} qui s'appelle {x}"),
    (rf"(?:j'ai|nous avons) (?P<x>(?:une?|deux|trois|quatre|cinq) (?:\w+ )?{FR_HAD})", "has {x}", "a {x}"),
    (r"(?:j'aime|j'adore)(?: beaucoup| bien)? (?P<x>.+?)", "taste {x}", "aime {x}"),
    (r"(?:je déteste|je n'aime pas) (?P<x>.+?)", "taste {x}", "n'aime pas {x}"),
    (rf"m(?:on|a) (?P<of>[\w-]+) préférée? est {X}", "favourite {of}", "{of} préféré(e) : {x}"),
    (rf"je suis allergique (?P<at>à|au|aux) (?:la |l')?{X}", "allergy {x}", "est allergique {at} {x}"),
    (rf"je joue (?P<at>du |de la |de l'|au |aux |à la ){X}", "plays {x}", "joue {at}{x}"),
    (rf"je ne (?P<does>mange|bois) pas (?:de |d'){X}", "{does} {x}", "ne {does} pas de {x}"),
    (r"je parle (?P<x>(?:le |l')?(?:français|anglais|allemand|espagnol|italien|portugais|japonais|chinois|arabe|russe)"
     r"\b.*)",
     "speaks", "parle {x}"),
    (r"je suis (?P<x>mariée?|célibataire|divorcée?|fiancée?|veuve|veuf)", "marital", "est {x}"),
    (r"je suis (?P<x>végétarienn?e?|végane?|gauch(?:er|ère)|enceinte|diabétique|retraitée?)", "is {x}", "est {x}"),
    (rf"j'ai peur (?:des |du |de la |de l'|de |d'){X}", "fear {x}", "a peur de {x}"),
    tail=FR_TAIL,
)  # fmt: skip

ES_TAIL = r"(?: (?:ahora|también|mucho|por cierto|en este momento|desde .{1,30}))*"
ES_HAD = (
    r"(?:perr[oa]s?|gat[oa]s?|caballos?|hij[oa]s?|herman[oa]s?|niet[oa]s?|marido|esposa|novi[oa]|jardín|casa|coche|carro|barco|"
    r"asma|diabetes)"
)
SPANISH = rules(
    (rf"(?:me llamo|mi nombre es) {NAME}", "name", "se llama {x}"),
    (rf"(?:yo )?(?:vivo|vivimos) (?P<at>en|cerca de) {X}", "home", "vive {at} {x}"),
    (rf"ya no vivo en {X}", "home", ""),
    (rf"^(?:yo )?(?:soy|vengo) de {X}", "origin", "es de {x}"),
    (r"tengo (?P<x>[\w-]+(?: y \w+)?) años", "age", "tiene {x} años"),
    (rf"mi cumpleaños es el {X}", "birthday", "cumple años el {x}"),
    (rf"(?:yo )?trabajo (?:como|de) {X}", "job", "trabaja como {x}"),
    (rf"(?:yo )?trabajo (?P<at>en|para) {X}", "employer", "trabaja {at} {x}"),
    (rf"(?:yo )?estudio {X}", "study", "estudia {x}"),
    (rf"(?:tengo|tenemos) una? (?P<of>[\w-]+) que se llama {NAME}", "name of {of}",
     "tiene un(a) {of} que se llama {x}"),
    (rf"(?:mi|nuestr[oa]) (?P<of>[\w-]+) se llama {NAME}", "name of {of}", "tiene un(a) {of} que se llama {x}"),
    (rf"(?:tengo|tenemos) (?P<x>(?:una?|dos|tres|cuatro|cinco) (?:\w+ )?{ES_HAD})", "has {x}", "tiene {x}"),
    (r"(?:a mí )?me (?:gusta|gustan|encanta|encantan)(?: mucho)? (?P<x>.+?)", "taste {x}", "le gusta {x}"),
    (r"(?:odio|detesto|no me gustan?) (?P<x>.+?)", "taste {x}", "no le gusta {x}"),
    (rf"mi (?P<of>[\w-]+) favorit[oa] es {X}", "favourite {of}", "{of} favorito: {x}"),
    (rf"soy alérgic[oa] (?:al |a la |a los |a las |a ){X}", "allergy {x}", "tiene alergia a {x}"),
    (rf"toco (?:el |la ){X}", "plays {x}", "toca {x}"),
    (rf"juego (?:al |a la |a ){X}", "plays {x}", "juega a {x}"),
    (rf"no (?P<does>como|bebo) {X}", "{does} {x}", "no come ni bebe {x}"),
    (r"hablo (?P<x>(?:español|inglés|francés|alemán|italiano|portugués|japonés|chino|árabe|ruso|catalán)\b.*)",
     "speaks", "habla {x}"),
    (r"(?:estoy|soy) (?P<x>casad[oa]|solter[oa]|divorciad[oa]|viud[oa])", "marital", "está {x}"),
    (r"soy (?P<x>vegetarian[oa]|vegan[oa]|zurd[oa]|diabétic[oa]|jubilad[oa])", "is {x}", "es {x}"),
    (rf"(?:tengo|me da) miedo (?:a |de )(?:las |los |la |el )?{X}", "fear {x}", "tiene miedo de {x}"),
    tail=ES_TAIL,
)  # fmt: skip
