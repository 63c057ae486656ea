"""A hand-made course that holds one of everything: every kind of block and question, hostile text, long words."""

import hashlib

from coursewright.course.model import (
    Block,
    BrainBytes,
    Branch,
    Citation,
    Cloze,
    Course,
    KeyConcept,
    Lesson,
    LongAnswer,
    Matching,
    MindMap,
    Module,
    MultipleChoice,
    MultipleResponse,
    Option,
    Ordering,
    Pair,
    Provenance,
    QuestionSet,
    Section,
    Segment,
    ShortAnswer,
    Source,
    TrueFalse,
)

HOSTILE = (
    '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked=1"> javascript:alert(1) & \u2028'
)
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2

PASSAGES = {
    "p-sync": (
        "A package index is the list of packages that a repository offers. The command `apt update` downloads the "
        "package index of every repository. It changes no installed package. A repository is a server that holds "
        "packages and their index."
    ),
    "p-steps": (
        "To install a package, first refresh the index. Then choose the package by name. Then confirm the download. "
        "At last the files are unpacked and the package is configured. A dependency is another package that must be "
        "present before a package can work."
    ),
    "p-hostile": f"Some documents hold markup such as {HOSTILE}, which must be shown and never run.",
}


def _source(place: int, passage_id: str, language: str) -> Source:
    text = PASSAGES[passage_id]
    return Source(
        passage_id=passage_id,
        document="handbook/packages.md",
        title="The packages handbook <b>",
        licence="CC BY 4.0",
        attribution="The handbook's authors",
        heading_path=("Packages", "Keeping a system current"),
        page=place + 1,
        start=1000 * place,
        end=1000 * place + len(text),
        language=language,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def cite(passage_id: str, quote: str) -> tuple[Citation, ...]:
    return (Citation(passage_id=passage_id, quote=quote),)


INDEX = "A package index is the list of packages that a repository offers."
UPDATE = "The command `apt update` downloads the package index of every repository."
UNCHANGED = "It changes no installed package."
SERVER = "A repository is a server that holds packages and their index."
DEPENDENCY = "A dependency is another package that must be present before a package can work."
STEPS = ("Refresh the index", "Choose the package by name", "Confirm the download", "Unpack and configure")
OBJECTIVES = ("Explain what a package index is", "Order the steps of an installation")


def _options(prefix: str, *texts: str, correct: tuple[int, ...] = ()) -> tuple[Option, ...]:
    return tuple(Option(id=f"{prefix}{n}", text=text, correct=n in correct) for n, text in enumerate(texts))


def _every_kind() -> tuple[QuestionSet, QuestionSet, QuestionSet]:
    choice = MultipleChoice(
        id="q-choice",
        stem="What does “package index” mean?",
        options=_options(
            "a",
            "Another package that must be present first",
            "The list of packages that a repository offers",
            "A server that holds packages and their index",
            correct=(1,),
        ),
        answer="a1",
        explanation=INDEX,
        objective=OBJECTIVES[0],
        citations=cite("p-sync", INDEX),
    )
    response = MultipleResponse(
        id="q-response",
        stem="What does a repository hold?",
        options=_options("b", "Packages", "An index", "Installed files", correct=(0, 1)),
        answer=("b0", "b1"),
        explanation=SERVER,
        citations=cite("p-sync", SERVER),
    )
    truth = TrueFalse(
        id="q-truth",
        stem="`apt update` changes no installed package.",
        answer=True,
        explanation=UNCHANGED,
        citations=cite("p-sync", UNCHANGED),
    )
    matching = Matching(
        id="q-matching",
        stem="Match each term with its meaning.",
        options=_options("m", "A server that holds packages", "Another package that must be present"),
        answer=(Pair(prompt="dependency", option="m1"), Pair(prompt="repository", option="m0")),
        explanation=DEPENDENCY,
        citations=cite("p-steps", DEPENDENCY),
    )
    ordering = Ordering(
        id="q-ordering",
        stem="Put the steps of an installation in order.",
        options=tuple(Option(id=f"o{n}", text=STEPS[n], correct=True) for n in (2, 0, 3, 1)),
        answer=("o0", "o1", "o2", "o3"),
        objective=OBJECTIVES[1],
        citations=cite("p-steps", "To install a package, first refresh the index."),
    )
    cloze = Cloze(
        id="q-cloze",
        stem="A ____ is a server that holds packages and their ____.",
        answer=(("repository",), ("index", "package index")),
        explanation=SERVER,
        citations=cite("p-sync", SERVER),
    )
    short = ShortAnswer(
        id="q-short",
        stem="Which command downloads the package index?",
        answer=("apt update", "apt-get update"),
        explanation=UPDATE,
        citations=cite("p-sync", UPDATE),
    )
    long = LongAnswer(
        id="q-long",
        stem=f"Explain why markup such as {HOSTILE} is only shown.",
        answer="It comes from the sources, and sources are not trusted.",
        rubric=("names where the text comes from", "says what could happen"),
        citations=cite("p-hostile", "which must be shown and never run"),
    )
    return (
        QuestionSet(questions=(choice, response, truth, matching, ordering, cloze, short, long)),
        QuestionSet(questions=(_copy_of(truth, "q-quiz", UPDATE),)),
        QuestionSet(questions=(_copy_of(truth, "q-exam", DEPENDENCY, "p-steps"),)),
    )


def _copy_of(question: TrueFalse, id_: str, stem: str, passage: str = "p-sync") -> TrueFalse:
    return question.model_copy(update={"id": id_, "stem": stem, "explanation": stem, "citations": cite(passage, stem)})


def sample_course(language: str = "en") -> Course:
    """Return the course; its text stays English in every language, only the declared language changes."""
    assessment, quiz, exam = _every_kind()
    whole = Section(
        id="sec-index",
        title="The package index",
        blocks=(
            Block(id="b-1", kind="paragraph", text=f"{INDEX} {UPDATE}", citations=cite("p-sync", f"{INDEX} {UPDATE}")),
            Block(
                id="b-2",
                kind="list",
                text="1. first refresh the index\n2. choose the package\n  - by name\n  - by `pattern`\n3. confirm",
                citations=cite("p-steps", "first refresh the index"),
            ),
            Block(
                id="b-3",
                kind="table",
                text="| Command | What it does |\n| --- | --- |\n| `apt update` | downloads the package index |",
                citations=cite("p-sync", "downloads the package index"),
            ),
            Block(
                id="b-4",
                kind="code",
                text="apt update\napt install --yes a-package-with-a-very-long-name-that-does-not-fit another # <b>",
                citations=cite("p-sync", "`apt update`"),
            ),
            Block(id="b-5", kind="note", text=UNCHANGED, citations=cite("p-sync", UNCHANGED)),
            Block(id="b-6", kind="figure", text="A repository and two clients", citations=cite("p-sync", SERVER)),
        ),
        key_concepts=(KeyConcept(term="repository", explanation=SERVER, citations=cite("p-sync", SERVER)),),
        examples=(Block(id="b-7", kind="paragraph", text=UPDATE, citations=cite("p-sync", UPDATE)),),
        summary=INDEX,
    )
    hostile = Section(
        id="sec-hostile",
        title=f"Hostile {HOSTILE}",
        blocks=(
            Block(id="b-8", kind="paragraph", text=PASSAGES["p-hostile"], citations=cite("p-hostile", HOSTILE)),
            Block(id="b-9", kind="paragraph", text=LONG_WORD),
        ),
    )
    steps = Section(
        id="sec-steps",
        title="Installing in steps",
        blocks=(Block(id="b-10", kind="paragraph", text=DEPENDENCY, citations=cite("p-steps", DEPENDENCY)),),
    )
    first = Lesson(
        id="les-index",
        title="Where packages come from",
        description="How a system learns which packages exist.",
        objectives=OBJECTIVES,
        minutes=6,
        sections=(whole, hostile),
        assessment=assessment,
        mind_map=MindMap(
            topic="Packages",
            branches=(
                Branch(title="Index", branches=(Branch(title="is refreshed by apt update"),
                                                Branch(title=LONG_WORD[:60]))),
                Branch(title="Repository & <server>", branches=(Branch(title="holds packages"),
                                                                Branch(title="索引を持つサーバー"))),
                Branch(title="Dependency"),
            ),
        ),
        brainbytes=BrainBytes(
            title="Packages in a minute",
            segments=(Segment(text=INDEX, seconds=5), Segment(text=SERVER, seconds=5)),
            seconds=10,
        ),
    )  # fmt: skip
    second = Lesson(id="les-steps", title="Installing a package", minutes=3, sections=(steps,))
    return Course(
        title="Keeping a system current",
        description="What a package is, where it comes from and how it is installed.",
        language=language,
        objectives=OBJECTIVES,
        provenance=Provenance(
            author="extractive",
            versions={"author": "1"},
            notice="Assembled verbatim from your documents; no language model was used.",
        ),
        modules=(
            Module(id="mod-1", title="Packages", description="The basics.", lessons=(first, second), quiz=quiz),
        ),
        exam=exam,
        sources=tuple(_source(place, passage_id, "en") for place, passage_id in enumerate(PASSAGES)),
    )  # fmt: skip
