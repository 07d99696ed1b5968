"""Our scores against what CMS reports: every difference in one class."""
