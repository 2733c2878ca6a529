/**
 * The roles and purposes of use that an asker can have. A directive for any other would never apply, which for a deny
 * is the opposite of what its patient means.
 */
export const roles = ['doctor', 'patient', 'auditor', 'custodian', 'operator'] as const

/** Codes of HL7 v3 ActReason that this version takes as a purpose of use (value set v3-PurposeOfUse). */
export const purposesOfUse = [
  'TREAT',
  'ETREAT',
  'BTG',
  'CAREMGT',
  'COVERAGE',
  'HMARKT',
  'HOPERAT',
  'HPAYMT',
  'HRESCH',
  'PATADMIN',
  'PATRQT',
  'PUBHLTH',
] as const
