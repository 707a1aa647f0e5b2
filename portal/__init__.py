"""The portal (门户): web pages for citizens, officers and supervisors; a client of the public API and nothing more."""
