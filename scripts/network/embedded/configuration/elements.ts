import { build, bytes, common, decode, encode } from '../../fabric/message.ts'

/*
 * A configuration is a tree of groups, each with values, policies and further groups. An update changes elements one by one,
 * so the tree is laid out flat, by names of their own (configtx/configmap.go).
 */

type Kind = 'group' | 'value' | 'policy'

/** One element of a configuration, without what lies below it. */
export interface Element {
  readonly kind: Kind
  /** From the root to the element itself: `['Channel', 'Application', 'Readers']`. */
  readonly path: readonly string[]
  readonly version: number
  /** The policy by which it may be changed, absolute (`/Channel/…`) or as seen from its group. */
  readonly modPolicy: string
  /** The bytes of a value, or of a policy (`common.Policy`); empty for a group. */
  readonly content: Buffer
  /** Names of what is in a group; none in others. */
  readonly children: readonly string[]
}

export type Elements = ReadonlyMap<string, Element>

const rootName = 'Channel'
const prefixes: Readonly<Record<Kind, string>> = {
  group: '[Group]  ',
  value: '[Value]  ',
  policy: '[Policy] ',
}

/** An element's name, as Fabric's messages have it. */
export const nameOf = (kind: Kind, path: readonly string[]): string => `${prefixes[kind]}/${path.join('/')}`

const longestKey = 249

/** Errors: Error when a key is not one (configtx/validator.go, validateConfigID). */
export function checkKey(key: string): void {
  if (/^[a-zA-Z0-9.-]+$/.test(key) && key.length <= longestKey && key !== '.' && key !== '..') return
  throw new Error(`'${key.slice(0, longestKey)}' contains illegal characters or is too long for a key`)
}

const noContent = Buffer.alloc(0)

/** Errors: Error when a key is not one. */
export function layOut(root: common.ConfigGroup | undefined): Elements {
  const elements = new Map<string, Element>()
  const add = (element: Element): void => {
    checkKey(element.path.at(-1) ?? '')
    elements.set(nameOf(element.kind, element.path), element)
  }
  const addGroup = (group: common.ConfigGroup, path: readonly string[]): void => {
    const children: string[] = []
    const below = (kind: Kind, key: string): readonly string[] => {
      children.push(nameOf(kind, [...path, key]))
      return [...path, key]
    }
    group.getGroupsMap().forEach((inner, key) => addGroup(inner, below('group', key)))
    group.getValuesMap().forEach((value, key) =>
      add({
        kind: 'value',
        path: below('value', key),
        version: value.getVersion(),
        modPolicy: value.getModPolicy(),
        content: bytes(value.getValue_asU8()),
        children: [],
      }),
    )
    group.getPoliciesMap().forEach((policy, key) => {
      const content = policy.getPolicy()
      add({
        kind: 'policy',
        path: below('policy', key),
        version: policy.getVersion(),
        modPolicy: policy.getModPolicy(),
        content: content === undefined ? noContent : encode(content),
        children: [],
      })
    })
    const [version, modPolicy] = [group.getVersion(), group.getModPolicy()]
    add({ kind: 'group', path, version, modPolicy, content: noContent, children: children.toSorted() })
  }
  if (root !== undefined) addGroup(root, [rootName])
  return elements
}

function elementOf(name: string, elements: Elements): Element {
  const found = elements.get(name)
  if (found === undefined) throw new Error(`missing element at path: ${name}`)
  return found
}

function toGroup(name: string, elements: Elements): common.ConfigGroup {
  const { version, modPolicy, children } = elementOf(name, elements)
  const group = build(common.ConfigGroup, { version, modPolicy })
  for (const child of children) {
    const element = elementOf(child, elements)
    const key = element.path.at(-1) ?? ''
    const fields = { version: element.version, modPolicy: element.modPolicy }
    if (element.kind === 'group') group.getGroupsMap().set(key, toGroup(child, elements))
    else if (element.kind === 'value')
      group.getValuesMap().set(key, build(common.ConfigValue, { ...fields, value: element.content }))
    else {
      const policy = decode(common.Policy, element.content)
      group.getPoliciesMap().set(key, build(common.ConfigPolicy, { ...fields, policy }))
    }
  }
  return group
}

/** The tree again, from its root. Errors: Error when a group names what is not there. */
export const toTree = (elements: Elements): common.ConfigGroup =>
  toGroup(nameOf('group', [rootName]), elements)

const isSame = (one: Element, other: Element | undefined): boolean =>
  other !== undefined &&
  one.version === other.version &&
  one.modPolicy === other.modPolicy &&
  one.content.equals(other.content) &&
  one.children.join() === other.children.join()

/** Whether two configurations are the same, in whatever order they were written. */
export const areSame = (one: Elements, other: Elements): boolean =>
  one.size === other.size && [...one].every(([name, element]) => isSame(element, other.get(name)))
