"""The same scoring on distributed engines that others built; each in a module of its own, and an extra to install."""
