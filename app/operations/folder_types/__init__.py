"""The types of folders of a collectivity in the browser: what each says and from where, its versions, who may deposit it."""
