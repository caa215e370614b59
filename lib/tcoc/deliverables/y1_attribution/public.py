"""What may leave of the Year 1 attribution: the drafts of its public tables, with dictionary."""

from tcoc.deliverables.y1_attribution import public_groups, public_hospitals, public_people
from tcoc.deliverables.y1_attribution.example import example_drafts
from tcoc.disclosure import Draft
from tcoc.study import Study


def public_tables(study: Study) -> list[Draft]:
    """Return every table that the page may show, for the gate to look at as one release."""
    stages = public_hospitals.stage_cells(study)
    return [
        public_hospitals.years(study),
        public_hospitals.waterfall(stages),
        public_hospitals.hospitals_by_stage(stages, study),
        public_hospitals.hospital_per_capita(study),
        public_hospitals.combined_hospitals(study),
        *public_groups.group_tables(study),
        public_hospitals.practitioners_by_specialty(study),
        public_people.stays(study),
        public_people.splits(study),
        public_people.homes(study),
        public_people.payments_by_month(study),
        public_people.clinic_care(study),
        public_people.planted_truth(study),
        *example_drafts(study),
    ]
