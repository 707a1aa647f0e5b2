"""Mechanism shared by every service: database, outbox, inbox, bus, web, health. Knows no domain word."""
