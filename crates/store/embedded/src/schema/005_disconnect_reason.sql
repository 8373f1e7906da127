-- A reason is one word from now on, which queries ask for; what it was before was a sentence, which none can.
UPDATE presence SET reason = NULL WHERE reason IS NOT NULL;
