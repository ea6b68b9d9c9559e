"""`farm doctor --live`: sees on the deployed farm itself what nobody could know of AWS without an account."""
