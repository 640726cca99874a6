"""The mailboxes where invoices come: what a mail holds, who reads it, and how a mailbox is chosen."""
