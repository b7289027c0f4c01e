// What the parts of a page hand to each other. Types only: nothing here is sent to a browser.

// ---- numbers

/** @typedef {Float32Array | Uint8Array | Int32Array} Numbers */
/** @typedef {[number, number]} Pair  a point or a vector of the plane */
/** @typedef {ArrayLike<number> & { [i: number]: number }} Points  a batch of points, flat: x0 y0 x1 y1 ... */
/**
 * @typedef {{ name: string, dtype: "float32" | "float16" | "uint8" | "int32", shape: number[], offset: number }} Entry
 */
/** @typedef {{ data: Numbers, shape: number[] }} Packed */
/** @typedef {Record<string, Packed>} Arrays */

/** @typedef {{ name: string, label: string, power: number, clock: string }} Frame  x_frame = scale(sigma) x */
/** @typedef {"log-linear" | "karras" | "ddpm" | "flow"} Schedule */

/**
 * Where the lattices of a view lie.
 *
 * @typedef {object} Geometry
 * @property {number} size places along a side of the finest level
 * @property {number[]} sizes places along a side of every level, as sent
 * @property {number} reach |u| at the edge
 * @property {number} warp how the places crowd in the middle: u = sinh(q) / warp, q even
 * @property {Pair} mean of the data
 * @property {number} s the data's standard deviation
 * @property {number[]} levels the noise levels, increasing
 */

/** @typedef {[lattice: Float32Array, weight: number]} Term  a refined lattice in a combination of fields */
/** @typedef {(sigma: number, x: Points, out: Float32Array) => Float32Array} Denoiser  writes x0_hat to out */

/**
 * A mixture of round Gaussians.
 *
 * @typedef {object} Mixture
 * @property {Points} means
 * @property {ArrayLike<number>} std
 * @property {ArrayLike<number>} weight sum to 1
 * @property {ArrayLike<number>} label the class of each
 */

/**
 * A formula: a number, a letter, or [sign, part, part].
 *
 * @typedef {number | string | Branch} Tree
 */
/** @typedef {[sign: string, ...parts: Tree[]]} Branch */
/** @typedef {{ set: string, to: Tree } | { when: Tree, then: Statement[] } | { give: Tree[] }} Statement */
/** @typedef {{ step: Statement[], values: Record<string, number> }} Rule  a sampler's step, and numbers in it */

/**
 * A walk of n particles down the levels `sigmas`, as far as it is known.
 *
 * @typedef {object} Walk
 * @property {number[]} sigmas
 * @property {number} n
 * @property {number} seed
 * @property {Float32Array[]} xs the particles after every step
 * @property {Float32Array[]} means the same before the step's fresh noise; the same arrays where there is none
 */

/** @typedef {{ walk: Walk, D: Denoiser, rule: Rule }} Run  a walk with what continues it */
/** @typedef {{ spread: number, coverage: number, distance: number }} Measures */

/**
 * Everything that a picture is made of, as it stands in a link (address.js).
 *
 * @typedef {Record<string, boolean | number | string | number[] | Float32Array>} State
 */

// ---- what Python sends

/**
 * A control as Python lists it.
 *
 * @typedef {object} Control
 * @property {"range" | "choice" | "toggle"} type
 * @property {string} role the value it is bound to
 * @property {string} label
 * @property {Record<string, any[]>} [when] shown only while each value named is one of these
 * @property {[any, string][]} [options] of a choice: value and what is shown
 * @property {number} [low] of a range
 * @property {number | string} [high] of a range; a name stands for that value
 * @property {number} [step] of a range, in decades on a log axis
 * @property {boolean} [log]
 * @property {number} [digits] after the point
 * @property {boolean} [whole] rounded in Python
 * @property {string[]} [texts] what is shown in place of the values 0, 1, 2, ...
 * @property {string} [below] the value that this one never exceeds: it gives way
 * @property {string} [names] the array whose numbers are shown in place of the value
 */

/** @typedef {Control & { low: number, high: number | string, step: number, log: boolean, digits: number }} Range */

/** @typedef {{ role: string, from: number, to: number | string, by: number, seconds: number }} Play  what play moves */

/**
 * @typedef {"background" | "ink" | "faint" | "accent" | "exact" | "learned" | "sample" | "data" | "predicted"
 *   | "random" | "arrow" | "condition"} Hue
 */
/** @typedef {Record<Hue, string> & { classes: string[], ramp: string[], density: string[] }} Palette */
/** @typedef {Record<Hue, string> & { classes: string[], ramp: string[], density: number[][] }} Colours */

/**
 * What every view is described by.
 *
 * @typedef {object} Meta
 * @property {string} kind
 * @property {string} title
 * @property {Control[]} controls
 * @property {Entry[]} index of the arrays in the buffer
 * @property {Play} play
 * @property {"side" | "below"} layout where the controls stand
 * @property {number} aspect width over height of the picture beside its controls
 * @property {number} wide the same on a stage
 * @property {number} front how many controls are always seen
 * @property {string} hint what a click on the picture does
 * @property {string[]} buttons
 * @property {string[]} traits the names of the values
 * @property {Record<string, any>[]} presets
 * @property {{ light: Palette, dark: Palette }} palette
 * @property {Record<string, { label: string, roles: string[] }>} marks the symbols of the text that point into the
 *   picture: what each stands for, and the controls that belong to it
 * @property {number} low the last level of a walk
 * @property {number} high its first
 * @property {Frame[]} frames
 * @property {[name: string, label: string][]} clocks a level on the other clocks
 * @property {Record<string, any>} start the values to which reset goes back
 * @property {boolean} [probe] whether a point can be looked at
 * @property {string} [about] a sentence for the help
 */

/**
 * What views of the plane know besides.
 *
 * @typedef {object} PlaneFacts
 * @property {{ centre: Pair, half: number }} box that shows the data
 * @property {number} narrow the least width of the mixture's Gaussians
 * @property {number} classes
 * @property {Geometry} geometry
 * @property {string[]} fields names of the Denoisers
 * @property {string[]} own the names of those with data of their own
 */
/** @typedef {Meta & PlaneFacts} PlaneMeta */

/**
 * The values of the controls; a view uses those in its `meta.traits`.
 *
 * @typedef {object} Values
 * @property {number} sigma @property {string} frame @property {string} show @property {number} label
 * @property {number} seed @property {boolean} playing
 * @property {boolean} arrows @property {boolean} points @property {boolean} density
 * @property {number} step @property {number} steps @property {number} noise @property {number} eta
 * @property {string} sampler @property {string} schedule @property {number} time
 * @property {number} guidance @property {number} avoid @property {number} push
 * @property {"two-term" | "replace"} form @property {number} low @property {number} high
 * @property {"all" | "forward" | "reverse" | "ode"} process
 * @property {number} snapshot @property {number} last the last snapshot there is, counted by the training's scene
 * @property {number} second
 * @property {number} together places that are filled in one step
 * @property {number} y measured @property {number} tau the error of the measurement
 * @property {number} amount of damage, 0 none .. 1 full @property {string} damage which
 * @property {number} layer of a network, from 1
 * @property {number} entropy of a bridge
 * @property {number} follow the noise where the path that is followed begins
 * @property {"guided" | "three" | "none"} vectors
 * @property {"small" | "full"} network @property {number} width @property {number} depth @property {number} features
 * @property {number} fineness @property {number} rate @property {number} dropout @property {number} classes
 * @property {boolean} copies @property {boolean} smooth @property {"error" | "kept"} beside
 */

// ---- the page

/**
 * anywidget's model, or `standalone.js`'s in a saved page.
 *
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: any) => void} set
 * @property {() => void} save_changes
 * @property {(name: string, act: () => void) => void} on
 * @property {(name: string, act: () => void) => void} off
 */

/** @typedef {{ render: (context: { model: Model, el: HTMLElement }) => () => void }} Widget  an anywidget module */

/**
 * What a scene draws with.
 *
 * @typedef {object} Look
 * @property {Colours} colours of the theme that holds now
 * @property {boolean} dark
 * @property {number} unit the size of the type in pixels
 * @property {boolean} stage whether the view fills a screen or a window
 * @property {number} lift pixels above the picture, which stands in the middle of its canvas
 * @property {number} width of the canvas in CSS pixels
 * @property {number} height
 * @property {boolean} [bare] whether the picture is a small one without words
 * @property {boolean} calm whether motion is to be kept small
 */

/**
 * What a scene knows: one object each, kept for the view's life and always current.
 *
 * @template {Meta} [M=Meta]
 * @typedef {object} View
 * @property {M} meta
 * @property {Arrays} arrays
 * @property {Values} values
 * @property {Look} look
 */

/** @typedef {[colour: string, meaning: string, shape?: "dot" | "line" | "dash"]} Mark */
/** @typedef {{ title: string, c: number, ticks: number[] }} Scale  a colour scale m / (m + c) with ticks at m */
/** @typedef {{ scale?: Scale, marks?: Mark[] }} Legend */
/** @typedef {[name: string, value: string]} Row  of the numbers beside a picture */

/**
 * What a kind of view draws, from the values of its controls.
 *
 * @typedef {object} Scene
 * @property {(width: number, room: number) => number} arrange lay out for this width; the height it takes
 * @property {(g: CanvasRenderingContext2D) => void} draw
 * @property {() => Row[]} readouts the numbers beside the picture
 * @property {() => string} describe the picture in words
 * @property {() => Legend} legend
 * @property {() => void} [begin] play starts, or new noise is asked for
 * @property {() => boolean} [fresh] whether play starts from its beginning wherever the slider stands
 * @property {() => void} [reset]
 * @property {(role: string) => void} [changed] Python has set a value
 * @property {() => void} [reload] new arrays have come
 * @property {() => Play} [play] what play moves, where it is not the same always
 * @property {() => number[]} [points] the particles, flat, in the VE frame
 * @property {() => Record<string, State[string] | null>} [kept] what is seen besides the values and goes into links,
 *   such as a point that is looked at (null: none)
 * @property {(kept: Record<string, any>) => void} [restore] show that again; what is missing is as at the start
 * @property {() => Box} [thumbnail] the part of the canvas that a thumbnail shows
 * @property {() => Box} [picture] the part that the hint speaks of, where that is not the thumbnail's
 * @property {(px: number, py: number) => void} [touch] the pointer is down at this pixel
 * @property {(dx: number, dy: number) => void} [move] shift and an arrow key: move the point that is looked at
 * @property {(ui: Ui) => void} [attach] the widget is made: add what the scene has besides controls and picture
 * @property {(key: string) => boolean} [key] a key is pressed on the picture; whether it means anything
 */

/** @typedef {{ control: Control, node: HTMLElement, show: (value: any) => void }} Shown  a control on the page */

/**
 * @typedef {object} Nodes  the parts of a view on the page
 * @property {HTMLElement} root
 * @property {HTMLElement} stage around the canvas
 * @property {HTMLCanvasElement} canvas
 * @property {HTMLElement} bar under it: play and the main slider
 * @property {HTMLElement} panel with everything else
 * @property {HTMLElement} drawer that "more" opens
 * @property {HTMLElement} hint on the picture
 * @property {HTMLElement} note on the picture: what a button has to say
 * @property {HTMLElement} readouts
 * @property {HTMLElement} legend
 * @property {HTMLElement} help
 * @property {HTMLElement} status read out by screen readers
 * @property {Record<string, HTMLButtonElement>} buttons
 */

/**
 * @typedef {{ share: number, roles: string[], moves: { role: string, from: number, to: number }[] }} Glide  to a preset
 */

/**
 * What the parts of the widget share.
 *
 * @typedef {object} Parts
 * @property {Model} model
 * @property {Scene} scene
 * @property {Nodes} nodes
 * @property {Shown[]} controls
 * @property {Glide | null} glide the way to a preset, while it is walked
 * @property {{ speed: number, loop: boolean, rest: number }} pace of play; rest: the seconds that a loop has stood at
 *   its end
 * @property {{ a: State | null, b: State | null }} compared the state that is kept, and the one to go back to
 * @property {number} type how much larger than usual the type is
 * @property {MediaRecorder | null} recorder while a film is recorded
 * @property {string} marked the symbol of the text whose thing stands out, "" for none
 * @property {string[]} concealed the roles of controls and buttons that a link hides
 * @property {boolean} seen whether the view is on the screen
 * @property {string} size of the canvas and its type, to see whether it has changed
 * @property {{ frames: number, drawMs: number }} stats how many frames were drawn, and what the last one took
 * @property {() => void} ask for a frame
 * @property {() => void} refresh bring everything up to the values, and ask for a frame
 * @property {() => void} resize fit everything to the room there is
 * @property {Strip | null} strip of moments under the main slider
 * @property {(() => void)[]} cleanups what is undone when the view goes
 */
/** @typedef {View & Parts} Ui */
/** @typedef {{ ask: () => void, fit: (narrow: boolean) => void }} Strip  its pictures, and whether there is room */

/** @typedef {{ x: number, y: number, w: number, h: number }} Box  a rectangle of pixels */

/**
 * A square of pixels that shows the box |y - centre| < half of a frame.
 *
 * @typedef {object} Pane
 * @property {number} x @property {number} y @property {number} w
 * @property {boolean} ticks whether there is room for their numbers
 * @property {Pair} centre @property {number} half
 */

export {};
