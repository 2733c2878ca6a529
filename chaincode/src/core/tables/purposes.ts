/** HL7 v3 ActReason: the reasons for a use of information and of much else. */
export const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason'

/** What PurposeOfUse of v3-ActReason holds below it, as `parent: children` (HL7 Terminology, is-a). */
const hierarchy = `
PurposeOfUse: HMARKT HOPERAT HPAYMT HRESCH PATRQT PUBHLTH TREAT
HOPERAT: CAREMGT DONAT FRAUD GOV HACCRED HCOMPL HDECD HDIRECT HDM HLEGAL HOUTCOMS HPRGRP HQUALIMP HSYSADMIN MEMADMIN MILCDM PATADMIN PATSFTY PERFMSR RECORDMGT SYSDEV TRAIN
HSYSADMIN: LABELING METAMGT
SYSDEV: HTEST
HPAYMT: CLMATTCH COVAUTH COVERAGE REMITADV
COVERAGE: ELIGDTRM ELIGVER ENROLLM MILDCRG
HRESCH: BIORCH CLINTRCH DSRCH POARCH TRANSRCH
CLINTRCH: CLINTRCHNPC CLINTRCHPC PRECLINTRCH
PATRQT: FAMRQT PWATRNY SUPNWK
PUBHLTH: DISASTER THREAT
TREAT: CLINTRL COC ETREAT POPHLTH
ETREAT: BTG ERTREAT`

const ancestors = closureOf(hierarchy)

/** For each code itself and the codes above it. */
export function closureOf(lines: string): ReadonlyMap<string, ReadonlySet<string>> {
  const closure = new Map<string, Set<string>>()
  for (const line of lines.trim().split('\n')) {
    const [parent = '', children = ''] = line.split(':')
    // Lines stand in the order of the tree, so a parent's own ancestors are known.
    const above = closure.get(parent) ?? new Set([parent])
    closure.set(parent, above)
    for (const child of children.trim().split(' ')) {
      closure.set(child, new Set([...(closure.get(child) ?? []), ...above, child]))
    }
  }
  return closure
}

export const isPurpose = (code: string): boolean => ancestors.has(code)

/** Whether a rule's purpose covers the one asked for: it is the same or above it, never below it. */
export const coversPurpose = (rule: string, asked: string): boolean =>
  rule === asked || ancestors.get(asked)?.has(rule) === true

/** Codes that can be named as a purpose of use; PurposeOfUse itself only gathers them. */
export const purposeCodes: readonly string[] = [...ancestors.keys()].filter((code) => code !== 'PurposeOfUse')
