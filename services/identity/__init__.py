"""Identity (身份): people, organisations, departments, accounts and client systems; signs access tokens."""
