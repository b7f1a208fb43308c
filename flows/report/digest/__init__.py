"""The weekly digest: facts from the published file, frozen, then written in every form a reader may open."""
