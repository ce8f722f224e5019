"""English words by what may follow them: the tables behind the rules on whether somebody has finished."""

from __future__ import annotations

from vaidol.nodes.text._words import words as table

NEVER_LAST = table(
    "a an the my your our their its every and or but nor if because while whereas although unless whether than very "
    "quite such whose i'm you're we're they're he's she's it's there's i'll you'll we'll they'll he'll she'll it'll "
    "i'd you'd we'd they'd i've you've we've they've um uh er erm hmm uhm as including regarding"
)
SUBJECTS = table("i he she we they")
PRONOUNS = SUBJECTS | table("you it there this that")
BE = table("is are was were am be been being isn't aren't wasn't weren't")
HELP = table(
    "has have had do does did can could will would should must may might shall don't doesn't didn't can't couldn't"
    " won't wouldn't shouldn't haven't hasn't hadn't"
)
ASKING = table("what who whom which whose where when why how what's who's where's how's when's why's")
LEADS = table("and so but well ok okay yes yeah no please hey oh um uh hi hello then also now right sure or actually")
FILLERS = table("and so but well um uh oh then also or")
NEED_MORE = table("of for from with into at by about between during without near against toward towards per via since")
NEED_MORE_AFTER = {
    "in": table("live lived living interested believe work worked working born"),
    "on": table("depends depend based working focus"),
    "that": table("think thought say said says know knew believe hope sure true mean means is was so such heard"),
    "like": table("would i'd we'd looks sounds feels something"),
    "know": table("to"),
    "her": table("that if and when"),
    "his": table("that if and when"),
}
HEARD_AS_TO = table("get go want going need able try have used learn")
LACKS_OBJECT = table(
    "want wanted need needed wonder wondering bought brought took found got gave sent told said put made saw bring "
    "buy give send put tell ask asked trying going supposed able used called named having getting using let wish"
)
_ENDS = table(
    "would_like i_think i_guess i_mean i_suppose tell_me show_me give_me send_me let_me let_me_see let's_see "
    "kind_of let_me_think sort_of such_as for_example in_order how_about what_about thing_is problem_is number_is "
    "name_is as_well well_you_know i_would_say i'd_say one_of at_least the_same because_of instead_of more_than "
    "want_you want_you_to would_rather i_just and_then so_that i_really i_also i_always i_usually i_never "
    "my_favorite my_favourite i_was"
)
OPEN_ENDS = tuple(phrase.replace("_", " ") for phrase in sorted(_ENDS))
OPENERS = table("if when while because since although though unless once after before whenever whereas as until")
DETERMINERS = table("a an the my your his her our their its this that these those some any every no another")
COMMON_VERBS = table(
    "i'm it's he's she's that's there's we're they're you're i've i'll i'd let's want wants wanted need needed "
    "needs like likes love loves know knows think thinks go goes went get got make makes made see saw say says said "
    "take took come came live lives feel feels felt work works look looks mean means cost costs give gave tell told "
    "find found buy bought eat ate play plays hear heard read run speak speaks talk use wrote write keep kept left "
    "lost met paid put sat sent slept"
)
VERBS = BE | HELP | COMMON_VERBS
ORDERS = table(
    "tell show give play stop open close turn sing explain repeat say read write start continue find look describe "
    "translate spell count help recommend suggest define compare make let let's wait listen go keep try guess name "
    "list"
)
ANSWERS = table(
    "yes yeah yep no nope ok okay sure thanks hello hi hey bye goodbye maybe exactly right good great fine cool"
)
CLOSERS = table("please thanks bye goodbye anymore anyway either too again instead yet though everything nothing well")
DIGITS = table("zero oh one two three four five six seven eight nine")
NUMBERS = DIGITS | table("ten eleven twelve twenty thirty forty fifty sixty seventy eighty ninety hundred")
COUNTED = table("number code pin phone card zip")
PAIRS = (
    ("either", "or"), ("both", "and"), ("not only", "but"), ("one hand", "other"), ("between", "and"), ("rather", "or"),
)  # fmt: skip
