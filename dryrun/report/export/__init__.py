"""What a place of training needs: rows, the grader in the place's own form, a job, a checklist."""
