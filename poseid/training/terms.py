"""The names of the loss terms, apart from their maths: a misspelt key need not wait for torch."""

TERMS = (
    "id",
    "pose",
    "ortho",
    "contrast",
    "reconstruction",
    "similarity_protection",
    "impostor_protection",
    "detection",
)
