import { closureOf } from './purposes.ts'

export const confidentialitySystem = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality'
export const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'

/** From the least to the most confidential (HL7 v3 Confidentiality); a label is kept as its place in this list. */
export const confidentialities = ['U', 'L', 'M', 'N', 'R', 'V'] as const
export const normal = confidentialities.indexOf('N')
export const restricted = confidentialities.indexOf('R')
export const veryRestricted = confidentialities.indexOf('V')

/**
 * InformationSensitivityPolicy of v3-ActCode, as `parent: children`. Codes without a parent that is a label hang under `*`.
 * IHE PCF counts the disorders of use of alcohol and opioids to ETH as well.
 */
const hierarchy = `
*: ETH GDIS HIV MST PREGNANT SCA SDV SEX SPI STD TBOO VIO SICKLE DEMO DOB GENDER LIVARG MARST RACE REL B EMPL LOCIS SSP ADOL CEL DIA DRGIS EMP PDS PHY PRS
SPI: BH MH PSY PSYTHPN SUD
BH: COGN DVD EMOTDIS
SUD: ETHUD OPIOIDUD
ETH: ETHUD OPIOIDUD`

const ancestors = closureOf(hierarchy)

export const isSensitivity = (code: string): boolean => code !== '*' && ancestors.has(code)

/** Whether a rule's sensitivity covers a record's: it is the same or above it. */
export const coversSensitivity = (rule: string, label: string): boolean =>
  rule === label || ancestors.get(label)?.has(rule) === true

/** Codes of v3-ActCode that label data without saying how sensitive it is: how to handle it, and under which policy. */
export const isHandling = (code: string): boolean => handling.has(code)

const handling: ReadonlySet<string> = new Set(
  (
    'ICOL IDSCL INFA INFAO INFASO IRDSCL RESEARCH RSDID RSREID EMRGONLY GRANTORCHOICE IMPLIED IMPLIEDD NOCONSENT NOPP OPTIN ' +
    'OPTINR OPTOUT OPTOUTE 42CFRPart2 CommonRule HIPAANOPP HIPAAPsyNotes HIPAASelfPay Title38Section7332 COMPT ACOCOMPT ' +
    'CTCOMPT FMCOMPT HRCOMPT LRCOMPT PACOMPT RESCOMPT RMGTCOMPT TRSTACCRD TRSTAGRE TRSTASSUR TRSTCERT TRSTFWK TRSTMEC ' +
    'ANONY AOD AUDIT AUDTR CPLYCC CPLYCD CPLYJPP CPLYOPP CPLYOSP CPLYPOL CPLYCUI DECLASSIFYLABEL DEID DELAU DOWNGRDLABEL ' +
    'DRIVLABEL ENCRYPT ENCRYPTR ENCRYPTT ENCRYPTU HUAPRV LABEL MASK MINEC PERSISTLABEL PRIVMARK PSEUD REDACT UPGRDLABEL ' +
    'NOAUTH NOCOLLECT NODSCLCD NODSCLCDS NOINTEGRATE NOLIST NOMOU NOORGPOL NOPAT NOPERSISTP NORDSCLCD NORDSCLCDS NORDSLCD ' +
    'NOREUSE NOVIP ORCON'
  ).split(' '),
)
