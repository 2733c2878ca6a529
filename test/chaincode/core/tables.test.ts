import { describe, expect, test } from 'vitest'
import { codeTablesVersion, purposeCodes } from 'medledger-chaincode/core'
import { actions, meanings, recipientRoles } from '../../../chaincode/src/core/tables/consent.ts'
import {
  confidentialities,
  coversSensitivity,
  isHandling,
  isSensitivity,
  normal,
  restricted,
  veryRestricted,
} from '../../../chaincode/src/core/tables/labels.ts'
import { closureOf, coversPurpose, isPurpose } from '../../../chaincode/src/core/tables/purposes.ts'
import { isResourceType } from '../../../chaincode/src/core/tables/resource-types.ts'

test('the tables have a version', () => expect(codeTablesVersion).toBe(1))

describe('a closure', () => {
  const closure = closureOf('\na: b c\nb: d\nc: d e\n')
  const above = (code: string): string[] => [...(closure.get(code) ?? [])].sort()

  test('has for each code itself and all that stands above it, along every way', () => {
    expect([...closure.keys()].sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(['a', 'b', 'c', 'd', 'e'].map(above)).toEqual([
      ['a'],
      ['a', 'b'],
      ['a', 'c'],
      ['a', 'b', 'c', 'd'],
      ['a', 'c', 'e'],
    ])
  })
})

describe('purposes', () => {
  // PurposeOfUse of HL7 v3-ActReason, each with the codes directly below it.
  const below: Readonly<Record<string, string>> = {
    PurposeOfUse: 'HMARKT HOPERAT HPAYMT HRESCH PATRQT PUBHLTH TREAT',
    HOPERAT:
      'CAREMGT DONAT FRAUD GOV HACCRED HCOMPL HDECD HDIRECT HDM HLEGAL HOUTCOMS HPRGRP HQUALIMP HSYSADMIN MEMADMIN MILCDM PATADMIN PATSFTY PERFMSR RECORDMGT SYSDEV TRAIN',
    HSYSADMIN: 'LABELING METAMGT',
    SYSDEV: 'HTEST',
    HPAYMT: 'CLMATTCH COVAUTH COVERAGE REMITADV',
    COVERAGE: 'ELIGDTRM ELIGVER ENROLLM MILDCRG',
    HRESCH: 'BIORCH CLINTRCH DSRCH POARCH TRANSRCH',
    CLINTRCH: 'CLINTRCHNPC CLINTRCHPC PRECLINTRCH',
    PATRQT: 'FAMRQT PWATRNY SUPNWK',
    PUBHLTH: 'DISASTER THREAT',
    TREAT: 'CLINTRL COC ETREAT POPHLTH',
    ETREAT: 'BTG ERTREAT',
  }

  test.each(Object.entries(below))('%s covers what is below it', (parent, children) => {
    for (const child of children.split(' ')) {
      expect([isPurpose(child), coversPurpose(parent, child), coversPurpose(child, parent)]).toEqual([
        true,
        true,
        false,
      ])
      expect([coversPurpose('PurposeOfUse', child), coversPurpose(child, child)]).toEqual([true, true])
      expect(purposeCodes).toContain(child)
    }
  })

  test('are these and no others; the one above all only gathers them', () => {
    const all = Object.values(below).flatMap((children) => children.split(' '))
    expect([...purposeCodes].sort()).toEqual(all.sort())
    expect(isPurpose('PurposeOfUse')).toBe(true)
    for (const code of ['', 'MEDNEC', 'treat', 'TREAT ']) expect(isPurpose(code)).toBe(false)
  })

  test('reach over several levels, and not across', () => {
    expect(coversPurpose('TREAT', 'BTG')).toBe(true)
    expect(coversPurpose('HRESCH', 'CLINTRCHPC')).toBe(true)
    expect(coversPurpose('HRESCH', 'CLINTRL')).toBe(false)
    expect(coversPurpose('x', 'x')).toBe(true)
    expect(coversPurpose('x', 'y')).toBe(false)
  })
})

describe('sensitivities', () => {
  const below: Readonly<Record<string, string>> = {
    SPI: 'BH MH PSY PSYTHPN SUD',
    BH: 'COGN DVD EMOTDIS',
    SUD: 'ETHUD OPIOIDUD',
    ETH: 'ETHUD OPIOIDUD',
  }
  const alone =
    'ETH GDIS HIV MST PREGNANT SCA SDV SEX SPI STD TBOO VIO SICKLE DEMO DOB GENDER LIVARG MARST RACE REL B EMPL LOCIS SSP ADOL CEL DIA DRGIS EMP PDS PHY PRS'

  test.each(Object.entries(below))('%s covers what is below it', (parent, children) => {
    for (const child of children.split(' '))
      expect([
        isSensitivity(child),
        coversSensitivity(parent, child),
        coversSensitivity(child, parent),
      ]).toEqual([true, true, false])
  })

  test('are these and no others', () => {
    for (const code of alone.split(' '))
      expect([isSensitivity(code), coversSensitivity(code, code)]).toEqual([true, true])
    for (const code of ['*', '', 'hiv', 'DELAU', 'N']) expect(isSensitivity(code)).toBe(false)
    expect(coversSensitivity('SPI', 'OPIOIDUD')).toBe(true)
    expect(coversSensitivity('BH', 'PSY')).toBe(false)
    expect(coversSensitivity('HIV', 'STD')).toBe(false)
    expect(coversSensitivity('urn:x|a', 'urn:x|a')).toBe(true)
  })
})

test('codes about handling and policies are no sensitivities', () => {
  const handling =
    'ICOL IDSCL INFA INFAO INFASO IRDSCL RESEARCH RSDID RSREID EMRGONLY GRANTORCHOICE IMPLIED IMPLIEDD NOCONSENT NOPP OPTIN OPTINR OPTOUT OPTOUTE ' +
    '42CFRPart2 CommonRule HIPAANOPP HIPAAPsyNotes HIPAASelfPay Title38Section7332 COMPT ACOCOMPT CTCOMPT FMCOMPT HRCOMPT LRCOMPT PACOMPT RESCOMPT ' +
    'RMGTCOMPT TRSTACCRD TRSTAGRE TRSTASSUR TRSTCERT TRSTFWK TRSTMEC ANONY AOD AUDIT AUDTR CPLYCC CPLYCD CPLYJPP CPLYOPP CPLYOSP CPLYPOL CPLYCUI ' +
    'DECLASSIFYLABEL DEID DELAU DOWNGRDLABEL DRIVLABEL ENCRYPT ENCRYPTR ENCRYPTT ENCRYPTU HUAPRV LABEL MASK MINEC PERSISTLABEL PRIVMARK PSEUD REDACT ' +
    'UPGRDLABEL NOAUTH NOCOLLECT NODSCLCD NODSCLCDS NOINTEGRATE NOLIST NOMOU NOORGPOL NOPAT NOPERSISTP NORDSCLCD NORDSCLCDS NORDSLCD NOREUSE NOVIP ORCON'
  for (const code of handling.split(' '))
    expect([code, isHandling(code), isSensitivity(code)]).toEqual([code, true, false])
  for (const code of ['', 'HIV', 'delau']) expect(isHandling(code)).toBe(false)
})

test('confidentiality rises from unrestricted to very restricted', () => {
  expect(confidentialities).toEqual(['U', 'L', 'M', 'N', 'R', 'V'])
  expect([normal, restricted, veryRestricted]).toEqual([3, 4, 5])
})

test('actions, meanings of data and roles are those of FHIR', () => {
  expect(actions).toEqual(['collect', 'access', 'use', 'disclose', 'correct'])
  expect(meanings).toEqual(['instance', 'related', 'dependents', 'authoredby'])
  expect([...recipientRoles].sort().join(' ')).toBe(
    'AGNT ASSIGNED DELEGATEE DPOWATT EMP GRANTEE GUADLTM GUARD HPOWATT IRCP NOK PAT POWATT PRCP PROV RESPRSN SPOWATT',
  )
})

test('types of resources are those of R4 and R5', () => {
  // At each end of the list and of its lines, of one release only, and of both.
  const some =
    'Account AdverseEvent BiologicallyDerivedProduct CatalogEntry ClinicalUseDefinition Consent Device DeviceUseStatement DocumentManifest EncounterHistory ' +
    'Evidence ExplanationOfBenefit GenomicStudy Group Immunization InventoryReport Library MedicationAdministration MedicationStatement ' +
    'MedicinalProductDefinition MedicinalProductUndesirableEffect MessageHeader NutritionProduct Observation OrganizationAffiliation Patient Permission ' +
    'Person PlanDefinition QuestionnaireResponse RegulatedAuthorization RequestOrchestration ResearchSubject Schedule SearchParameter ServiceRequest ' +
    'Subscription SubstanceSpecification SupplyDelivery SupplyRequest Task Transport VerificationResult VisionPrescription'
  for (const code of some.split(' ')) expect([code, isResourceType(code)]).toEqual([code, true])
  for (const code of ['', 'observation', 'Resource', 'DomainResource', 'Document'])
    expect(isResourceType(code)).toBe(false)
})
