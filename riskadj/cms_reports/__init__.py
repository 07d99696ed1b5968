"""Reports that CMS sends to plans, as tables: MMR (payments), MOR (HCCs of the model run), MAO-004 (diagnoses)."""
