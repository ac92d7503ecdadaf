//! The mapping engine: partners' wires ⇄ canonical documents, both directions from the one line. (Signatures agreed; being filled.)
