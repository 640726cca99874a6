"""What is shown of folders, on pages and by the API: the page, trays, timeline and portrait; nothing here moves one."""
