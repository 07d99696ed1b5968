"""Programs that run in an environment of a peer's own: members in, its scores out. They import nothing of riskadj."""
