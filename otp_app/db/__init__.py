"""SQL that Django's ORM has no words for, and staying out of other people's transactions. Knows none of our tables."""
