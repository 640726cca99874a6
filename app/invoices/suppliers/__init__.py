"""The directory of suppliers: those that invoices and orders name, under which names, joined by hand where two are one."""
