"""What HCCs are worth: each one to its member, what it rests on, and the score without some diagnoses."""
