"""The phases of a job, in their order, and what both sides of the tests of them know."""

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KINDS = (
    "knowledge_analysis", "outline_generation", "lesson_section", "lesson_assessment", "lesson_mind_map",
    "lesson_brainbytes", "path_quiz", "class_exam", "content_validation",
)  # fmt: skip

__all__ = ["KINDS", "SECRET"]
