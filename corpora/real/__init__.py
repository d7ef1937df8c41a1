"""Programs that nobody here wrote, and the distribution's own updates of them, applied to processes under load."""
