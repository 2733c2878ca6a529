import type { DevelopmentPerson } from '../development/index.ts'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (letter) => entities[letter] ?? '')

const style = `
:root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif }
main { max-width: 34rem; margin: 3rem auto; padding: 0 1rem }
ul { list-style: none; padding: 0 }
button { font: inherit; width: 100%; min-height: 3rem; margin: .25rem 0; padding: .5rem 1rem; text-align: start }
button span { opacity: .8 }
:focus-visible { outline: 3px solid; outline-offset: 2px }`

/**
 * The headers of every page. Forms lead back to the provider and from there to a client on this machine, which browsers
 * count as the form's own target; nobody may frame the page, and it loads nothing.
 */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http://127.0.0.1:*; " +
    "frame-ancestors 'none'; base-uri 'none'",
  'cache-control': 'no-store',
  // Without a referrer a browser would send the form with the origin null, which any page can do.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
} as const

const page = (title: string, content: string): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
${content}
</main>
</body>
</html>
`

const button = ({ user, name, role }: DevelopmentPerson): string =>
  `<li><button name="user" value="${escape(user)}">${escape(name)} <span>(${escape(role)})</span></button></li>`

/** The page on which somebody signs in as one of an organisation's invented people, by one click. */
export const signInPage = (organisation: string, people: readonly DevelopmentPerson[]): string =>
  page(
    `Sign in at ${organisation}`,
    `<p>A demonstration with invented people: choose who you are. There is no password.</p>
<form method="post">
<ul>
${people.map(button).join('\n')}
</ul>
<p><button name="cancel" value="yes">Cancel</button></p>
</form>`,
  )

/** A page that says what went wrong: a stable code and a sentence. */
export const errorPage = (code: string, sentence: string): string =>
  page('This sign-in cannot go on', `<p>${escape(sentence)}</p>\n<p><code>${escape(code)}</code></p>`)
